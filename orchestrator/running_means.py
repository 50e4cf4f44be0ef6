"""What the scores of each trial average to, from step to step."""

import bisect
from collections import defaultdict
from statistics import median

FEWEST = 3
"""Trials without which a median says nothing; as in Ray's rule."""


class RunningMeans:
    """The averages of all trials at each step."""

    def __init__(self) -> None:
        self._trials: dict[str, tuple[int, float]] = {}
        self._sorted: dict[int, list[float]] = defaultdict(list)

    def add(self, trial: str, step: int, score: float) -> None:
        """Take a trial's next score."""
        count, total = self._trials.get(trial, (0, 0.0))
        self._trials[trial] = count + 1, total + score
        bisect.insort(self._sorted[step], (total + score) / (count + 1))

    def median(self, step: int) -> float | None:
        """Return the median average of all trials up to a step that they have reached.

        None where fewer than ``FEWEST`` have.
        """
        means = self._sorted[step]
        return median(means) if len(means) >= FEWEST else None
