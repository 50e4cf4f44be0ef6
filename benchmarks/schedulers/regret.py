"""How good is what a search has found, and when had it found it?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.schedulers.curves import Task, random_configurations

CONFIGURATIONS = 4000
"""As many random ones say what is good and what is usual on a task."""


@dataclass(frozen=True)
class Scale:
    """What is good on a task, and how long things take."""

    best: float
    """The best score of many random configurations: regret 0."""
    median: float
    """Their median score: regret 1."""
    full_seconds: float
    """The median time of their full trainings: the unit of time."""

    def regret(self, score: float) -> float:
        """Return how far a score is from the best, in units of the median's distance."""
        return (self.best - score) / (self.best - self.median)


@dataclass(frozen=True)
class Found:
    """What a search had found when: only scores that it really saw."""

    times: tuple[float, ...]
    """In median full trainings of the task, ascending."""
    regrets: tuple[float, ...]

    def regret_at(self, time: float) -> float:
        """Return the regret of what looks best at a time; nan before there is anything."""
        seen = int(np.searchsorted(self.times, time, side="right"))
        return self.regrets[seen - 1] if seen else math.nan

    def time_to(self, regret: float) -> float:
        """Return when the regret was first this low; infinity if it never was."""
        reached = (
            time for time, found in zip(self.times, self.regrets, strict=True) if found <= regret
        )
        return next(reached, math.inf)


def measure_scale(task: Task, seed: int, count: int = CONFIGURATIONS) -> Scale:
    """Return a task's scale from independent random configurations."""
    configurations = random_configurations(task.space, count, np.random.default_rng(seed))
    curves = task.curves(configurations)
    scores = [curve.best for curve in curves]
    seconds = float(np.median([curve.seconds for curve in curves]))
    return Scale(max(scores), float(np.median(scores)), seconds)


def found_on(scale: Scale, seen: Sequence[tuple[float, float]]) -> Found:
    """Return seconds and scores as times and regrets."""
    times = tuple(seconds / scale.full_seconds for seconds, _ in seen)
    return Found(times, tuple(scale.regret(score) for _, score in seen))
