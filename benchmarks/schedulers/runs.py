"""How are all contenders run on all tasks? A process a task, which is told all that it needs."""

import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from benchmarks.schedulers.cluster import Cluster, Simulation
from benchmarks.schedulers.contenders import Assignment, chosen
from benchmarks.schedulers.curves import Task
from benchmarks.schedulers.history import earlier_experiment, of_other_tasks
from benchmarks.schedulers.regret import Found, Scale, found_on, measure_scale
from orchestrator.portfolio import Past

HORIZON = 20.0
"""Searches end after so many median full trainings of their task."""
Histories = Mapping[int, Sequence[Past]]
"""Seed -> earlier experiments."""


@dataclass(frozen=True)
class Conditions:
    """Under which all contenders run."""

    contenders: tuple[str, ...]
    workers: int = 4
    seeds: int = 5
    noise: float = 0.0
    """Standard deviation of what is added to a seen score, in units of regret."""


@dataclass(frozen=True)
class Run:
    """One search."""

    contender: str
    task: str
    seed: int
    found: Found
    trainings: int
    """Configurations that were tried."""
    epochs: int
    wall_seconds: float
    """What simulating it took."""


@dataclass(frozen=True)
class Ground:
    """A task, and what is known of it and of others."""

    task: Task
    scale: Scale
    histories: Histories


def run_all(
    tasks: Sequence[Task], earlier: Sequence[Task], conditions: Conditions, jobs: int
) -> Iterator[list[Run]]:
    """Yield the runs on each task, in the order of the tasks; ``earlier`` ones make the history."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        histories = make_histories(earlier, conditions, pool)
        yield from pool.map(partial(runs_on, histories=histories, conditions=conditions), tasks)


def make_histories(tasks: Sequence[Task], conditions: Conditions, pool: Executor) -> Histories:
    """Return earlier experiments for each seed, none where no contender uses them."""
    if not any(contender.uses_history for contender in chosen(conditions.contenders).values()):
        return {}
    return {
        number: tuple(pool.map(partial(_earlier_experiment, number=number), tasks))
        for number in range(conditions.seeds)
    }


def runs_on(task: Task, histories: Histories, conditions: Conditions) -> list[Run]:
    """Return the runs of all contenders on a task."""
    ground = Ground(task, measure_scale(task, seed_of("scale", task)), histories)
    return [
        run(name, number, ground, conditions)
        for name in conditions.contenders
        for number in range(conditions.seeds)
    ]


def run(name: str, number: int, ground: Ground, conditions: Conditions) -> Run:
    """Let a contender search once."""
    task, scale = ground.task, ground.scale
    contender = chosen([name])[name]
    history = ground.histories[number] if contender.uses_history else ()
    seed = seed_of("search", task, number)
    known = of_other_tasks(history, task)
    assignment = Assignment(task.space, task.epochs, conditions.workers, seed, known)
    noise = conditions.noise * (scale.best - scale.median)
    cluster = Cluster(conditions.workers, noise=noise, seed=seed_of("noise", task, number))
    started = time.perf_counter()
    log = Simulation(task, *contender.make(assignment), cluster).run(HORIZON * scale.full_seconds)
    wall = time.perf_counter() - started
    found = found_on(scale, log.found)
    return Run(name, task.name, number, found, log.trainings, log.epochs, wall)


def seed_of(purpose: str, task: Task, number: int = 0) -> int:
    """Return a seed of its own for each purpose, task and number: tasks must be independent."""
    return zlib.crc32(f"{purpose} {task.name} {number}".encode())


def _earlier_experiment(task: Task, number: int) -> Past:
    return earlier_experiment(task, seed_of("history", task, number))
