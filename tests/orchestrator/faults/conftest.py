"""A cluster whose machines tests take away, and a search that should not mind."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from searched_anyway import MOST_EPOCHS, Disturbed, Undisturbed, disturbed_search, with_words

from benchmarks.machines import SETTINGS, Cluster
from trainable.config import TrialConfig
from trainable.patience import PATIENCE_VARIABLE

RATES = (0.001, 0.002, 0.004)
LEARNING = {"train.epochs": 15, "optim.weight_decay": 0.01, "optim.schedule": "constant"}


@pytest.fixture(scope="session")
def cluster(cache: Path) -> Iterator[Cluster]:
    """A head without cores; its machines find decoded images in ``cache``."""
    with closing(Cluster()) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let drivers wait for storage as long as machines do."""
    monkeypatch.setenv(PATIENCE_VARIABLE, SETTINGS[PATIENCE_VARIABLE])


@pytest.fixture
def own_cluster(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, of which nobody is told what this test leaves of it."""
    yield cluster
    cluster.clear_broken()


@pytest.fixture(scope="session")
def words(cluster: Cluster, tiny_words: Sequence[str]) -> Sequence[str]:
    """Three trials that differ in nothing but the rate, whoever is quicker; one a core."""
    kept = [word for word in tiny_words if word.partition("=")[0] not in LEARNING]
    return [
        *(*kept, *(f"{path}={value}" for path, value in LEARNING.items())),
        *("space=learning_rate", f"optim.lr={','.join(map(str, RATES))}", "search.sampler=grid"),
        *("search.history=none", "search.keep=1", f"search.trials={len(RATES)}", "scheduler=fifo"),
        *(f"cluster.address={cluster.address}", "cluster.cpus_per_trial=1"),
    ]


@pytest.fixture(scope="session")
def undisturbed(tiny: TrialConfig) -> Undisturbed:
    """What the trials of the search should come out as."""
    return Undisturbed(tiny.with_values({**LEARNING, "train.epochs": MOST_EPOCHS}), RATES)


@pytest.fixture
def search_while(words: Sequence[str], tmp_path: Path, undisturbed: Undisturbed):
    """Searches while something is done to it, and sees that it came out as if nothing was."""

    def search(disturb, *more: str, is_whole: bool = True) -> Disturbed:
        found = disturbed_search(with_words(words, *more), tmp_path / "runs", disturb)
        found.must_have_lost_nothing()
        found.must_be_as(undisturbed, is_whole=is_whole)
        return found

    return search
