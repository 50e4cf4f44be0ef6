"""What was learned before? Earlier experiments on other tasks, simulated: random search on each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.schedulers.curves import Task, Values, random_configurations

EARLIER_TRIALS = 40


@dataclass(frozen=True)
class EarlierTrial:
    """A configuration that was trained fully."""

    values: Values
    scores: tuple[float, ...]
    """After each epoch."""

    @property
    def best(self) -> float:
        """The score of the best epoch."""
        return max(self.scores)


@dataclass(frozen=True)
class EarlierExperiment:
    """A finished random search on one task."""

    name: str
    trials: tuple[EarlierTrial, ...]


def earlier_experiment(task: Task, seed: int, count: int = EARLIER_TRIALS) -> EarlierExperiment:
    """Return a random search on a task; the seed must be no other search's."""
    configurations = random_configurations(task.space, count, np.random.default_rng(seed))
    curves = task.curves(configurations)
    trials = [
        EarlierTrial(values, tuple(curve.scores.tolist()))
        for values, curve in zip(configurations, curves, strict=True)
    ]
    return EarlierExperiment(task.name, tuple(trials))


def of_other_tasks(
    experiments: Sequence[EarlierExperiment], task: Task
) -> tuple[EarlierExperiment, ...]:
    """Return the experiments but for those on this very task."""
    return tuple(experiment for experiment in experiments if experiment.name != task.name)
