"""Which kernel fits a parameter, as its distributions say what values it may take?"""

import math
from collections.abc import Iterable, Sequence

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from orchestrator.kernels import Categories, Cells, Dimension, Interval, Scale

MOST_CELLS = 64
"""Ranges of more whole numbers count as continuous: cells are far narrower than any kernel."""


def dimension_of(distributions: Iterable[BaseDistribution]) -> Dimension | None:
    """Return what holds the values of all the distributions of one parameter.

    None where no kernel joins them: numbers and categories, one scale and its logarithm, or only
    one value.
    """
    known = list(distributions)
    choices = [one.choices for one in known if isinstance(one, CategoricalDistribution)]
    if len(choices) == len(known):
        every = {repr(choice): choice for several in choices for choice in several}
        return Categories(tuple(every[name] for name in sorted(every))) if len(every) > 1 else None
    ranges = [one for one in known if isinstance(one, FloatDistribution | IntDistribution)]
    if len(ranges) < len(known) or len({one.log for one in ranges}) > 1:
        return None
    return _numeric(ranges)


def _numeric(ranges: Sequence[FloatDistribution | IntDistribution]) -> Dimension | None:
    low, high = min(one.low for one in ranges), max(one.high for one in ranges)
    if low == high:
        return None
    log, step = ranges[0].log, ranges[0].step
    if step is None or any(not _same_steps(one, low, step) for one in ranges):
        return Interval(Scale(low, high, log))
    scale = Scale(low, high, log, margin=step / 2)
    count = round((high - low) / step) + 1
    if count > MOST_CELLS:
        return Interval(scale)
    return Cells(scale, tuple(min(low + number * step, high) for number in range(count)))


def _same_steps(one: FloatDistribution | IntDistribution, low: float, step: float) -> bool:
    steps_up = (one.low - low) / step
    return one.step == step and math.isclose(steps_up, round(steps_up), abs_tol=1e-6)
