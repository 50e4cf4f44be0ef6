"""What do many trials cost the simulator, and the worst order of arrival the contenders?"""

import time
from dataclasses import dataclass

from benchmarks.schedulers.cluster import Cluster, Log, Simulation
from benchmarks.schedulers.contenders import Assignment, chosen
from benchmarks.schedulers.curves import Task
from benchmarks.schedulers.synthetic import AscendingTask, RisingTask

MANY_TRIALS, MANY_WORKERS = 10_000, 1_024
ASCENDING_TRIALS = 81


@dataclass(frozen=True)
class Throughput:
    """How fast the simulator was."""

    contender: str
    log: Log
    wall_seconds: float

    @property
    def events_per_second(self) -> float:
        """Epochs that were reported and decided upon."""
        return self.log.epochs / self.wall_seconds


@dataclass(frozen=True)
class Saving:
    """What a contender trained of all there was."""

    contender: str
    log: Log
    full_epochs: int

    @property
    def share(self) -> float:
        """Epochs trained as a share of full training of all trials."""
        return self.log.epochs / self.full_epochs


def measure_throughput(
    name: str, trials: int = MANY_TRIALS, workers: int = MANY_WORKERS
) -> Throughput:
    """Let a contender try many cheap configurations on many workers."""
    started = time.perf_counter()
    log = search_all(name, RisingTask(), trials, workers)
    return Throughput(name, log, time.perf_counter() - started)


def measure_worst_order(name: str, workers: int, trials: int = ASCENDING_TRIALS) -> Saving:
    """Let a contender try configurations of which each is better than those before."""
    task = AscendingTask(trials)
    return Saving(name, search_all(name, task, trials, workers), trials * task.epochs)


def search_all(name: str, task: Task, trials: int, workers: int) -> Log:
    """Let a contender try a number of configurations, however long that takes."""
    assignment = Assignment(task.space, task.epochs, workers, seed=0, trials=trials)
    pair = chosen([name])[name].make(assignment)
    return Simulation(task, *pair, Cluster(workers)).run()
