"""A Ray cluster that is started once, and searches on it whose results many tests look at."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from object_storage import S3Server
from searches import Searched, run_search, wait_until

from benchmarks.machines import free_port
from orchestrator.cluster import WORKER_PACKAGES
from orchestrator.plan import make_plan
from orchestrator.rules import Fifo
from orchestrator.tuning import make_proposals
from trainable.config import TrialConfig
from trainable.settings import setting_paths

CORES, GPUS = 2, 4
GOOD_LR, TINY_LR, LOST_LR = 0.001, 1e-7, 1e30


@pytest.fixture(scope="session")
def ray_cluster(cache: Path, s3_server: S3Server) -> Iterator[str]:
    """The address of a cluster of two cores and four logical GPUs, seen by this machine alone.

    Its trials find decoded images in ``cache``, and S3's server: the environment names both. What
    is installed there of this project is another version.
    """
    port = free_port()
    with running_head(port):
        yield f"127.0.0.1:{port}"


@pytest.fixture
def lone_machine() -> Iterator[str]:
    """The address of a cluster of one machine that a test may take away."""
    port = free_port()
    with running_head(port):
        yield f"127.0.0.1:{port}"


@contextmanager
def running_head(port: int) -> Generator[None]:
    # The path of a Unix socket may have 107 characters: too few for pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"),
        *("--node-ip-address=127.0.0.1", f"--port={port}", f"--temp-dir={folder}"),
        *(f"--num-cpus={CORES}", f"--num-gpus={GPUS}", f"--object-store-memory={256 * 1024**2}"),
        "--include-dashboard=false",
    ]
    installed = folder / "installed"
    for name in WORKER_PACKAGES:
        (installed / name).mkdir(parents=True)
        (installed / name / "__init__.py").write_text("raise ImportError('another version')")
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(installed)}
    log = folder / "head.log"
    with log.open("wb") as out:
        head = subprocess.Popen(
            command,
            env={**os.environ, **settings},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "Ray runtime started" in log.read_text() or head.poll() is not None)
        assert head.poll() is None, log.read_text()
        yield
    finally:
        os.killpg(head.pid, signal.SIGKILL)
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)


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
