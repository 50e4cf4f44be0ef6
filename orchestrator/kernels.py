"""How far does a known value reach among the values of one parameter? Kernels of mixed parameters.

Every density is relative to drawing at random: 1 is as dense as that, in any parameter.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Numbers = NDArray[np.float64]

SMALLEST = 1e-300
"""Stands for densities too small to be told from 0, which has no logarithm."""
SPREAD_OF_RANDOM = math.sqrt(1 / 12)
"""Standard deviation of numbers drawn at random from [0, 1]."""


class Dimension(Protocol):
    """A parameter's values as coordinates, and the kernel between two of them."""

    def coordinate(self, value: Any) -> float:
        """Return where a value lies."""
        ...

    def value(self, coordinate: float) -> Any:
        """Return the value that lies there."""
        ...

    def bandwidth(self, points: Numbers, parameters: int, narrowest: float) -> float:
        """Return how wide the kernel is, from points in a space of so many parameters."""
        ...

    def log_kernel(self, at: Numbers, points: Numbers, bandwidth: float) -> Numbers:
        """Return the logarithm of the relative density around points; shape (at, points)."""
        ...

    def draw(self, centres: Numbers, bandwidth: float, random: np.random.Generator) -> Numbers:
        """Return one coordinate around each centre, a random one where that is NaN."""
        ...


@dataclass(frozen=True)
class Scale:
    """A numeric range, or its logarithm, laid onto [0, 1]; steps get ``margin`` at both ends."""

    low: float
    high: float
    log: bool
    margin: float = 0.0

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The ends that become 0 and 1."""
        return self._bent(self.low - self.margin), self._bent(self.high + self.margin)

    def unit(self, number: float) -> float:
        """Return where in [0, 1] a number lies."""
        start, end = self.ends
        return (self._bent(number) - start) / (end - start)

    def number(self, unit: float) -> float:
        """Return the number that lies there, within the range."""
        start, end = self.ends
        bent = start + unit * (end - start)
        return min(max(math.exp(bent) if self.log else bent, self.low), self.high)

    def _bent(self, number: float) -> float:
        return math.log(number) if self.log else number


@dataclass(frozen=True)
class Interval:
    """Numbers without gaps: a normal kernel, cut off at both ends of the range."""

    scale: Scale

    def coordinate(self, value: Any) -> float:
        """Return where in [0, 1] a number lies."""
        return self.scale.unit(value)

    def value(self, coordinate: float) -> float:
        """Return the number that lies there."""
        return self.scale.number(coordinate)

    def bandwidth(self, points: Numbers, parameters: int, narrowest: float) -> float:
        """Return the rule of thumb's standard deviation."""
        return rule_of_thumb(points, parameters, narrowest)

    def log_kernel(self, at: Numbers, points: Numbers, bandwidth: float) -> Numbers:
        """Return the logarithm of the truncated normal density."""
        inside = ndtr((1 - points) / bandwidth) - ndtr(-points / bandwidth)
        height = np.log(inside * bandwidth * math.sqrt(2 * math.pi))
        distance = (at / bandwidth)[:, None] - (points / bandwidth)[None, :]
        distance *= distance
        distance *= -0.5
        distance -= height
        return _even_where_missing(distance, points)

    def draw(self, centres: Numbers, bandwidth: float, random: np.random.Generator) -> Numbers:
        """Return one number in [0, 1] around each centre."""
        return normal_within(centres, bandwidth, random)


@dataclass(frozen=True)
class Cells:
    """A few numbers in order: each has a cell of [0, 1], and the kernel gives it its mass there.

    Coordinates are the cells' numbers, from 0.
    """

    scale: Scale
    values: tuple[float, ...]

    @cached_property
    def edges(self) -> Numbers:
        """The cells' borders in [0, 1], one more than there are cells."""
        inner = [self.scale.unit(value - self.scale.margin) for value in self.values[1:]]
        return np.array([0.0, *inner, 1.0])

    @cached_property
    def centres(self) -> Numbers:
        """The values in [0, 1]."""
        return np.array([self.scale.unit(value) for value in self.values])

    def coordinate(self, value: Any) -> float:
        """Return the cell of a number."""
        return float(round((value - self.scale.low) / (2 * self.scale.margin)))

    def value(self, coordinate: float) -> float:
        """Return the number of a cell."""
        return self.values[int(coordinate)]

    def bandwidth(self, points: Numbers, parameters: int, narrowest: float) -> float:
        """Return the rule of thumb's standard deviation of the kernel."""
        return rule_of_thumb(self.centres[_seen(points).astype(int)], parameters, narrowest)

    def log_kernel(self, at: Numbers, points: Numbers, bandwidth: float) -> Numbers:
        """Return the logarithm of the kernel's mean density in each cell."""
        below = ndtr((self.edges[:, None] - self.centres[None, :]) / bandwidth)
        mass = np.diff(below, axis=0) / (below[-1] - below[0])
        density = mass / np.diff(self.edges)[:, None]
        return _looked_up(np.log(np.maximum(density, SMALLEST)), at, points)

    def draw(self, centres: Numbers, bandwidth: float, random: np.random.Generator) -> Numbers:
        """Return the cell of one number around each centre."""
        middle = np.full_like(centres, np.nan)
        known = ~np.isnan(centres)
        middle[known] = self.centres[centres[known].astype(int)]
        drawn = normal_within(middle, bandwidth, random)
        return np.searchsorted(self.edges[1:-1], drawn, side="right").astype(float)


@dataclass(frozen=True)
class Categories:
    """Values without order: the kernel of Aitchison & Aitken (1976).

    The bandwidth is the probability of another category than the point's own, shared evenly among
    all others. Coordinates are the categories' numbers, from 0.
    """

    choices: tuple[Any, ...]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {repr(choice): number for number, choice in enumerate(self.choices)}

    def coordinate(self, value: Any) -> float:
        """Return the number of a category."""
        return float(self._numbers[repr(value)])

    def value(self, coordinate: float) -> Any:
        """Return the category of a number."""
        return self.choices[int(coordinate)]

    def bandwidth(self, points: Numbers, parameters: int, narrowest: float) -> float:
        """Return (c - 1) / (n + c) for c categories and n points.

        With it the density of n points is Laplace's rule of succession, (count + 1) / (n + c): no
        category is ever impossible, and the smoothing goes as 1 / n. It is also what a prior of
        one point gives each kernel of the tree-structured Parzen estimator (Watanabe 2023).
        """
        return (len(self.choices) - 1) / (len(_seen(points)) + len(self.choices))

    def log_kernel(self, at: Numbers, points: Numbers, bandwidth: float) -> Numbers:
        """Return the logarithm of each category's probability times their count."""
        count = len(self.choices)
        others = np.full((count, count), bandwidth / (count - 1))
        np.fill_diagonal(others, 1 - bandwidth)
        return _looked_up(np.log(others * count), at, points)

    def draw(self, centres: Numbers, bandwidth: float, random: np.random.Generator) -> Numbers:
        """Return the centre's category, or with the bandwidth's probability one of the others."""
        count = len(self.choices)
        shift = random.integers(1, count, size=len(centres))
        moves = random.random(len(centres)) < min(bandwidth, 1 - 1 / count)
        anywhere = random.integers(count, size=len(centres))
        kept = np.where(np.isnan(centres), anywhere, centres)
        return np.where(moves & ~np.isnan(centres), (kept + shift) % count, kept)


def rule_of_thumb(points: Numbers, parameters: int, narrowest: float) -> float:
    """Return 1.06 s n^(-1 / (4 + d)), s the standard deviation of n points (Silverman 1986).

    A single point tells no spread: it counts as one of random points.
    """
    points = _seen(points)
    spread = points.std(ddof=1) if len(points) > 1 else SPREAD_OF_RANDOM
    shrinking = max(len(points), 1) ** (-1 / (4 + parameters))
    return max(1.06 * float(spread) * shrinking, narrowest)


def normal_within(centres: Numbers, deviation: float, random: np.random.Generator) -> Numbers:
    """Return one number in [0, 1] around each centre, an even one where that is NaN.

    What falls outside comes to lie on the end: the best value of a setting often is one (no
    dropout, no augmentation), and would hardly be drawn otherwise.
    """
    around = np.clip(random.normal(centres, deviation), 0.0, 1.0)
    return np.where(np.isnan(centres), random.random(len(centres)), around)


def _seen(points: Numbers) -> Numbers:
    return points[~np.isnan(points)]


def _even_where_missing(log_kernel: Numbers, points: Numbers) -> Numbers:
    missing = np.isnan(points)
    if missing.any():
        log_kernel[:, missing] = 0.0
    return log_kernel


def _looked_up(log_table: Numbers, at: Numbers, points: Numbers) -> Numbers:
    """Return the table's entry for each pair of numbers, 0 where a point has none."""
    with_missing = np.column_stack([log_table, np.zeros(len(log_table))])
    columns = np.where(np.isnan(points), len(log_table), points).astype(int)
    return with_missing[at.astype(int)][:, columns]
