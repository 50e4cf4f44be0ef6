"""Which curves cost nothing? Made-up ones, for throughput, for a bad order, and for tests."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.schedulers.curves import Curve, Values
from search_spaces.language import Space, uniform

QUALITY = "model.quality"
RISE_EPOCHS = 5.0
"""After so many epochs a curve has risen by 63 %."""
SPACE = Space("Which quality is best?", {QUALITY: uniform(0.0, 1.0)})


def rising(quality: float, epochs: int) -> Curve:
    """Return quality * (1 - exp(-epoch / 5)), a second an epoch."""
    epoch = np.arange(1, epochs + 1)
    return Curve(quality * -np.expm1(-epoch / RISE_EPOCHS), np.ones(epochs))


@dataclass(frozen=True)
class RisingTask:
    """A configuration is as good as its quality says."""

    name: str = "rising"
    epochs: int = 52
    space: Space = SPACE

    def curves(self, configurations: Sequence[Values]) -> list[Curve]:
        """Return curves that rise to their quality."""
        return [rising(float(str(values[QUALITY])), self.epochs) for values in configurations]


@dataclass
class AscendingTask:
    """Each configuration is better than all that were tried before it, whatever it is."""

    trials: int
    name: str = "ascending"
    epochs: int = 52
    space: Space = SPACE
    arrivals: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def curves(self, configurations: Sequence[Values]) -> list[Curve]:
        """Return curves by the order of arrival."""
        numbers = [next(self.arrivals) for _ in configurations]
        return [rising(number / self.trials, self.epochs) for number in numbers]
