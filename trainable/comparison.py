"""Is one set of predictions better than another, or is it luck? Persons are the unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

Classes = NDArray[np.integer[Any]]
CONFIDENCE = 0.95
RESAMPLES = 2000
AT_ONCE = 200
"""Resamples held in memory together."""


@dataclass(frozen=True)
class Difference:
    """A paired difference of macro-F1 and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What the interval says: helps, hurts or cannot tell."""
        if self.low > 0:
            return "helps"
        return "hurts" if self.high < 0 else "cannot tell"


def paired_difference(
    labels: Classes, persons: NDArray[Any], second: Sequence[Classes], first: Sequence[Classes]
) -> Difference:
    """Return how much higher the macro-F1 of ``second`` is than that of ``first``.

    Both are predicted classes (N,), of one or more seeds, for the same images. Persons are
    resampled with replacement, with all their images, the same for both: the percentile bootstrap
    (Efron 1979). Of several seeds the differences' mean counts; their spread is not part of the
    interval.
    """
    codes = np.unique(persons, return_inverse=True)[1]
    pairs = [
        (_counts(labels, one, codes), _counts(labels, other, codes))
        for one, other in zip(second, first, strict=True)
    ]

    def difference(people: NDArray[np.integer[Any]], axis: int = -1) -> NDArray[np.floating]:
        drawn = np.moveaxis(people, axis, -1)
        return np.mean([_macro_f1(one, drawn) - _macro_f1(other, drawn) for one, other in pairs], 0)

    everybody = np.arange(codes.max() + 1)
    found = bootstrap(
        (everybody,),
        difference,
        n_resamples=RESAMPLES,
        batch=AT_ONCE,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    low, high = found.confidence_interval
    return Difference(float(difference(everybody)), float(low), float(high))


def _counts(labels: Classes, predicted: Classes, codes: Classes) -> NDArray[np.float64]:
    """Return (persons, 3, classes): of each person the images that are true, predicted, both."""
    unit = np.eye(int(max(labels.max(), predicted.max())) + 1)
    true, guess = unit[labels], unit[predicted]
    counts = np.zeros((codes.max() + 1, 3, len(unit)))
    np.add.at(counts, codes, np.stack([true, guess, true * guess], axis=1))
    return counts


def _macro_f1(counts: NDArray[np.float64], people: Classes) -> NDArray[np.floating]:
    """Return the macro-F1 of people (..., P) over the classes that occur among them."""
    true, predicted, both = np.moveaxis(counts[people].sum(axis=-3), -2, 0)
    f1 = 2 * both / np.maximum(true + predicted, 1)
    occurs = true > 0
    return (f1 * occurs).sum(-1) / occurs.sum(-1)
