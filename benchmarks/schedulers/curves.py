"""What is trained in the simulation? Tasks: a space, and a learning curve for each choice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search_spaces.language import Space
from trainable.config import TrialConfig
from trainable.settings import Value

Values = Mapping[str, Value]
"""A configuration: dotted path -> value."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """What training a configuration gives, epoch by epoch."""

    scores: Numbers
    """Higher is better, at most 1; shape (epochs,)."""
    epoch_seconds: Numbers
    """What each epoch takes; shape (epochs,)."""

    @property
    def best(self) -> float:
        """The score of the best epoch."""
        return float(self.scores.max())

    @property
    def seconds(self) -> float:
        """What full training takes."""
        return float(self.epoch_seconds.sum())


class Task(Protocol):
    """Something to learn: which settings suit it is not known beforehand."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def space(self) -> Space:
        """What may be set."""
        ...

    @property
    def epochs(self) -> int:
        """How many epochs full training has."""
        ...

    def curves(self, configurations: Sequence[Values]) -> list[Curve]:
        """Return what training each configuration gives."""
        ...


class RandomValues:
    """Draws values uniformly, on a logarithm where the space says so, as an Optuna trial would."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Draw a number."""
        if log:
            return math.exp(self._random.uniform(math.log(low), math.log(high)))
        return self._random.uniform(low, high)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        """Draw an integer, both ends included."""
        drawn = self.suggest_float(name, low - 0.5, high + 0.5, log=log)
        return min(max(round(drawn), low), high)

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Draw one of the choices."""
        return choices[int(self._random.integers(len(choices)))]


def random_configurations(
    space: Space, count: int, random: np.random.Generator
) -> list[dict[str, Value]]:
    """Return independent configurations."""
    draw, base = RandomValues(random), TrialConfig()
    return [space.suggest(draw, base) for _ in range(count)]
