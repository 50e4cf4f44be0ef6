"""Is one set of predictions better than another, or is it luck? Persons are the unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainable.labels import TASKS
from trainable.metric_names import main_score
from trainable.metrics import scores
from trainable.resampling import Classes, Scores, mean_over_seeds, resampled_scores

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """A paired difference of scores, its 95 % interval, and how probably it is above 0."""

    value: float
    low: float
    high: float
    probability: float

    @property
    def verdict(self) -> str:
        """What the interval says: helps, hurts or cannot tell."""
        if self.low > 0:
            return "helps"
        return "hurts" if self.high < 0 else "cannot tell"


def paired_difference(
    labels: Classes,
    persons: NDArray[Any],
    second: Sequence[Classes],
    first: Sequence[Classes],
    tasks: Sequence[str] = TASKS,
) -> Difference:
    """Return how much higher ``second`` scores than ``first``, by macro-F1 or that of some tasks.

    Both are predicted classes (N,), of one or more seeds, for the same images. Persons are
    resampled, the same for both, and of several seeds these too.
    """
    both = resampled_scores(labels, persons, [*second, *first], tasks)
    values = [main_score(scores(labels, answer, tasks)) for answer in (*second, *first)]
    value = np.mean(values[: len(second)]) - np.mean(values[len(second) :])
    random = np.random.default_rng(0)
    sides = both[:, : len(second)], both[:, len(second) :]
    return difference_of(float(value), *(mean_over_seeds(side, random) for side in sides))


def difference_of(value: float, second: Scores, first: Scores) -> Difference:
    """Return a difference of two sides whose scores (R,) were resampled together.

    The interval is between percentiles. The probability is the share of resamples in which the
    second side is ahead, ties counted half: what somebody without any expectation would believe
    after having seen the persons (Efron 2012).
    """
    found = second - first
    ahead = (found > 0).mean() + (found == 0).mean() / 2
    return Difference(value, *interval(found), float(ahead))


def interval(resampled: Scores) -> tuple[float, float]:
    """Return the percentiles between which 95 % of resampled numbers (R,) lie."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
