"""What do all runs come to? Means with standard errors over tasks, and paired comparisons."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.schedulers.contenders import RANDOM, RAY
from benchmarks.schedulers.runs import HORIZON, Run

BUDGETS = (2.0, 5.0, 10.0, 20.0)
"""When regret is reported, in median full trainings."""
CERTAIN = 2.0
"""So many standard errors are more than luck."""


@dataclass(frozen=True)
class Estimate:
    """A mean over tasks and its standard error."""

    mean: float
    error: float

    @property
    def verdict(self) -> str:
        """What a difference of regrets says: lower is better."""
        if abs(self.mean) <= CERTAIN * self.error:
            return "cannot tell"
        return "better" if self.mean < 0 else "worse"


@dataclass(frozen=True)
class Speed:
    """How soon random search's final score is reached."""

    sooner: float
    """Times sooner than random search reaches it itself, of the median run."""
    never: float
    """Share of runs that do not reach it."""


def of_contender(name: str, runs: Sequence[Run]) -> list[Run]:
    """Return a contender's runs."""
    return [run for run in runs if run.contender == name]


def mean_regret(runs: Sequence[Run], time: float) -> Estimate:
    """Return one contender's mean regret at a time."""
    return estimate(by_task(runs, lambda run: run.found.regret_at(time)))


def difference(runs: Sequence[Run], others: Sequence[Run], time: float) -> Estimate:
    """Return how much lower or higher the regret is than another's on the same tasks."""
    regrets = by_task(runs, lambda run: run.found.regret_at(time))
    other_regrets = by_task(others, lambda run: run.found.regret_at(time))
    return estimate({task: regret - other_regrets[task] for task, regret in regrets.items()})


def by_task(runs: Sequence[Run], value: Callable[[Run], float]) -> dict[str, float]:
    """Return the mean value over the seeds of each task."""
    return {task: float(np.mean(values)) for task, values in over_seeds(runs, value).items()}


def over_seeds(runs: Sequence[Run], value: Callable[[Run], float]) -> dict[str, list[float]]:
    """Return the values of all seeds of each task."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for run in runs:
        values[run.task].append(value(run))
    return dict(values)


def estimate(values: Mapping[str, float]) -> Estimate:
    """Return the mean over tasks; a single task has no error that could be known."""
    numbers = list(values.values())
    error = np.std(numbers, ddof=1) / math.sqrt(len(numbers)) if len(numbers) > 1 else math.nan
    return Estimate(float(np.mean(numbers)), float(error))


@dataclass(frozen=True)
class Row:
    """What is said of a contender."""

    contender: str
    regrets: Mapping[float, Estimate]
    """Time -> mean regret."""
    speed: Speed | None
    against: Mapping[float, Estimate] | None
    """Time -> mean difference to the regret of Ray's way."""
    trainings: float
    """Configurations tried, of a mean run."""
    epochs: float
    wall_seconds: float
    """What simulating one run took."""


def make_rows(runs: Sequence[Run]) -> list[Row]:
    """Return a row for each contender of a group of tasks."""
    return [make_row(name, runs) for name in dict.fromkeys(run.contender for run in runs)]


def make_row(name: str, runs: Sequence[Run]) -> Row:
    """Return what all runs say of a contender; comparisons only with those that ran too."""
    own, rays, random = (of_contender(n, runs) for n in (name, RAY, RANDOM))
    return Row(
        contender=name,
        regrets={time: mean_regret(own, time) for time in BUDGETS},
        speed=speed(own, random) if random else None,
        against={t: difference(own, rays, t) for t in BUDGETS} if rays and name != RAY else None,
        trainings=float(np.mean([run.trainings for run in own])),
        epochs=float(np.mean([run.epochs for run in own])),
        wall_seconds=float(np.mean([run.wall_seconds for run in own])),
    )


def speed(runs: Sequence[Run], random: Sequence[Run]) -> Speed:
    """Return how soon runs reach random search's final score, the median one of its task.

    Each run is compared with random search of the same task and seed. A run that does not reach
    the score, which almost half of random search's own do not, counts as if it did at the horizon.
    """
    finals = over_seeds(random, lambda run: run.found.regret_at(HORIZON))
    targets = {task: float(np.median(regrets)) for task, regrets in finals.items()}
    usual = {(run.task, run.seed): run.found.time_to(targets[run.task]) for run in random}
    times = [run.found.time_to(targets[run.task]) for run in runs]
    ratios = [
        min(usual[run.task, run.seed], HORIZON) / min(time, HORIZON)
        for run, time in zip(runs, times, strict=True)
    ]
    return Speed(float(np.median(ratios)), float(np.mean(np.isinf(times))))
