"""Which figures do the samples make, what was aimed at, and is it reached?"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from benchmarks.samples import (
    AFTER_TRIALS,
    AUGMENTATION,
    BEFORE_TRIALS,
    CACHE_BUILD,
    COMPUTE_PLAIN,
    FOLD_OF_FIVE,
    FURTHER_START,
    GUIDE,
    GUIDE_MEMORY,
    LARGE,
    LARGE_MEMORY,
    LIMIT_FAST,
    LIMIT_USUAL,
    LIMITS,
    MEMORY,
    ONE_FOLD,
    SEARCH,
    SECONDS_OF_A_TRIAL,
    Sample,
    compute_share_of,
    seconds_of,
)
from trainable.recipes.catalogue import RECIPES

EPOCHS, IMAGES, SECONDS, GIB, TIMES, SHARE = "epochs/min", "images/s", "s", "GiB", "x", "of 1"


@dataclass(frozen=True)
class Target:
    """At least, or below, a bound."""

    relation: Literal[">=", "<"]
    bound: float

    def __str__(self) -> str:
        return f"{self.relation} {self.bound:g}"

    def reached(self, value: float) -> bool:
        """Say whether a figure is good enough."""
        return value >= self.bound if self.relation == ">=" else value < self.bound


@dataclass(frozen=True)
class Asked:
    """A figure that is wanted: the mean of samples, or their ratio to others ``over`` them."""

    name: str
    sample: str
    unit: str
    over: tuple[str, ...] = ()
    target: Target | None = None


@dataclass(frozen=True)
class Figure:
    """A measured figure; ``low`` and ``high`` are its smallest and largest measurement."""

    asked: Asked
    value: float
    low: float
    high: float
    count: int

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached, None where there is none."""
        return self.asked.target and self.asked.target.reached(self.value)

    @property
    def spread(self) -> float:
        """The range of the measurements as a share of the figure."""
        return (self.high - self.low) / self.value if self.value else 0.0


def make_figures(samples: Sequence[Sample]) -> list[Figure]:
    """Return the figures that the samples suffice for."""
    found = [ratio(a, samples) if a.over else average(a, samples) for a in ASKED]
    return [figure for figure in found if figure]


def average(asked: Asked, samples: Sequence[Sample]) -> Figure | None:
    """Return the mean of a figure's samples."""
    values = values_of(asked.sample, samples)
    if not values:
        return None
    return Figure(asked, mean(values), min(values), max(values), len(values))


def ratio(asked: Asked, samples: Sequence[Sample]) -> Figure | None:
    """Return how a figure's samples compare with the fastest of the others.

    The machine is not equally fast all the time, so a sample is compared with the mean of those
    measured last before it and next after it; ``low`` and ``high`` compare with each alone.
    """
    over = fastest(asked.over, samples)
    pairs = [
        (sample.value, neighbours(over, place, samples))
        for place, sample in enumerate(samples)
        if sample.name == asked.sample
    ]
    singles = [value / other for value, others in pairs for other in others]
    if not singles:
        return None
    value = mean(value / mean(others) for value, others in pairs)
    return Figure(asked, value, min(singles), max(singles), len(pairs))


def fastest(names: Sequence[str], samples: Sequence[Sample]) -> str:
    """Return the name whose samples have the highest mean."""
    return max(names, key=lambda name: mean(values_of(name, samples) or [0.0]))


def neighbours(name: str, place: int, samples: Sequence[Sample]) -> list[float]:
    """Return the last value of that name before a place and the first after it, where there are."""
    before = values_of(name, samples[:place])[-1:]
    return before + values_of(name, samples[place + 1 :])[:1]


def values_of(name: str, samples: Sequence[Sample]) -> list[float]:
    """Return the values of the samples of that name."""
    return [sample.value for sample in samples if sample.name == name]


ASKED = (
    Asked("limit, usual loop", LIMIT_USUAL, EPOCHS),
    Asked("limit, channels-last, fused", LIMIT_FAST, EPOCHS),
    Asked("search", SEARCH, EPOCHS),
    Asked("guide", GUIDE, EPOCHS),
    Asked("search, large sources", LARGE, EPOCHS),
    Asked("search / limit", SEARCH, TIMES, LIMITS, Target(">=", 0.75)),
    Asked("search / guide", SEARCH, TIMES, (GUIDE,), Target(">=", 2)),
    Asked("search / limit, large sources", LARGE, TIMES, LIMITS, Target(">=", 0.75)),
    Asked("cache build, all cores", CACHE_BUILD, IMAGES, target=Target(">=", 1500)),
    Asked("augmentation, one core", AUGMENTATION, IMAGES),
    Asked("start of a further trial", FURTHER_START, SECONDS, target=Target("<", 0.5)),
    Asked("before the first trial", BEFORE_TRIALS, SECONDS),
    Asked("after the last trial", AFTER_TRIALS, SECONDS),
    *(Asked(f"a trial: {kind}", seconds_of(kind), SECONDS) for kind in SECONDS_OF_A_TRIAL),
    Asked("compute share, no augmentation", COMPUTE_PLAIN, SHARE),
    *(Asked(compute_share_of(recipe), compute_share_of(recipe), SHARE) for recipe in RECIPES),
    *(
        Asked(f"compute ratio, {recipe}", compute_share_of(recipe), TIMES, (COMPUTE_PLAIN,))
        for recipe in RECIPES
    ),
    Asked("a fold of five / one fold", FOLD_OF_FIVE, TIMES, (ONE_FOLD,), Target("<", 1.05)),
    Asked("peak memory, search", MEMORY, GIB, target=Target("<", 6)),
    Asked("peak memory, large sources", LARGE_MEMORY, GIB, target=Target("<", 6)),
    Asked("peak memory, guide", GUIDE_MEMORY, GIB),
)
"""Every figure, in the order of the report. Large sources are images of 384 x 512 pixels.

The compute ratio of a recipe is its compute share over the same with no image changed.
"""
