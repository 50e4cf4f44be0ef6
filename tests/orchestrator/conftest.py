"""A Ray cluster that is started once, and searches on it whose results many tests look at."""

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import ray
from object_storage import S3Server
from searches import Searched, run_search

from benchmarks.machines import SETTINGS, Head
from orchestrator.cluster import WORKER_PACKAGES, start_ray
from orchestrator.config import ClusterSection
from orchestrator.plan import make_plan
from orchestrator.ray_settings import set_environment
from orchestrator.rules import Fifo
from orchestrator.tuning import make_proposals
from trainable.config import TrialConfig
from trainable.settings import setting_paths

CORES, GPUS = 2, 4
GOOD_LR, TINY_LR, LOST_LR = 0.001, 1e-7, 1e30


@pytest.fixture(scope="session")
def head_environment(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What machines find: what is installed there of this project is another version.

    Ray keeps to 127.0.0.1, and storage that refuses is not waited for.
    """
    installed = tmp_path_factory.mktemp("installed")
    for name in WORKER_PACKAGES:
        (installed / name).mkdir()
        (installed / name / "__init__.py").write_text("raise ImportError('another version')")
    inherited = {name: os.environ[name] for name in SETTINGS}
    return {**inherited, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(installed)}


@pytest.fixture(scope="session")
def ray_cluster(head_environment: Mapping[str, str], s3_server: S3Server) -> Iterator[str]:
    """The address of a cluster of two cores and four logical GPUs, seen by this machine alone.

    Its trials find decoded images in ``cache``, and S3's server: the environment names both.
    """
    yield from running_head(head_environment)


@pytest.fixture(scope="module")
def joined(ray_cluster: str) -> Iterator[None]:
    """A driver that has joined a cluster of two cores and four GPUs."""
    config = ClusterSection(address=ray_cluster)
    set_environment(config)
    start_ray(config)
    yield
    ray.shutdown()


@pytest.fixture
def lone_machine(head_environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a cluster of one machine that a test may take away."""
    yield from running_head(head_environment)


def running_head(environment: Mapping[str, str]) -> Iterator[str]:
    head = Head("127.0.0.1", environment, cores=CORES, gpus=GPUS)
    try:
        yield head.address
    finally:
        head.kill()


@pytest.fixture(scope="session")
def tiny_words(tiny: TrialConfig) -> list[str]:
    """The words of ``tiny``."""
    plain = TrialConfig()
    changed = [path for path in setting_paths(TrialConfig) if tiny.value(path) != plain.value(path)]
    return [f"{path}={tiny.value(path)}" for path in changed]


@pytest.fixture(scope="session")
def cluster_words(tiny_words: list[str], ray_cluster: str) -> list[str]:
    """Tiny trials on the cluster: two at once, half a GPU each."""
    share = ["cluster.cpus_per_trial=1", "cluster.gpus_per_trial=0.5"]
    return [*tiny_words, f"cluster.address={ray_cluster}", *share]


@pytest.fixture(scope="session")
def searched(cluster_words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """Five trials: one whose learning rate loses the loss at once, some that learn nothing."""
    words = [
        *(*cluster_words, "train.batch_size=8", "train.epochs=4", "scheduler.grace_epochs=3"),
        *("search.trials=5", "search.keep=2", "loss.name=cross_entropy", "augment.erasing=0"),
        "search.history=none",
        f"optim.lr={GOOD_LR},{TINY_LR},{LOST_LR}",
    ]
    runs = tmp_path_factory.mktemp("runs-of-five")
    return run_search([*words, f"search.seed={telling_seed(words)}", f"search.runs={runs}"])


def telling_seed(words: list[str]) -> int:
    """Return a seed with which one trial's loss is lost, and the last is worse than the first."""

    def is_telling(seed: int) -> bool:
        proposals = make_proposals(make_plan([*words, f"search.seed={seed}"]), Fifo())
        drawn = [proposals.propose(f"trial {i}").values["optim.lr"] for i in range(5)]
        return (drawn[0], drawn[-1], drawn.count(LOST_LR)) == (GOOD_LR, TINY_LR, 1)

    return next(seed for seed in itertools.count() if is_telling(seed))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that a test sets."""
    return Clock()
