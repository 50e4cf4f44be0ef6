"""What is an ensemble fitted to? Out-of-fold probabilities of trials, true classes, persons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stack = NDArray[np.floating[Any]]
"""Probabilities (M, N, 18) of M trials for the same N images."""
Joint = NDArray[np.floating[Any]]
"""Probabilities (N, 18)."""
Classes = NDArray[np.integer[Any]]
"""Classes (N,)."""
SMALLEST = 1e-6
"""Probabilities are at least this before their logarithm is taken."""


@dataclass(frozen=True)
class Evidence:
    """What M trials say of N images, and what is true of them.

    ``stack`` is (M, N, 18), ``labels`` (N,) the true classes, ``persons`` (N,) anything that tells
    persons apart, and ``tasks`` lists for each trial what it was trained to answer.
    """

    stack: Stack
    labels: Classes
    persons: NDArray[Any]
    tasks: Sequence[tuple[str, ...]]

    def of_images(self, rows: NDArray[Any]) -> "Evidence":
        """Return what is known of some of the images, by position or mask."""
        return replace(
            self, stack=self.stack[:, rows], labels=self.labels[rows], persons=self.persons[rows]
        )


def logarithms(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return the logarithms of probabilities, none of them infinite; same shape."""
    return np.log(np.maximum(probabilities, SMALLEST))
