"""Whom does a search ask, and whom does it tell? What it needs of clock, store and screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.journal import Ended
from trainable.recipes.recipe import Settings


class Time(Protocol):
    """What there is time for."""

    @property
    def is_limited(self) -> bool:
        """Whether there is a deadline, and so time that would be wasted if nobody used it."""
        ...

    def may_start(self, values: Settings, steps: int) -> bool:
        """Say whether a trial can be started, or taken up again, and train so many steps."""
        ...

    def may_go_on(self, values: Settings) -> bool:
        """Say whether a running trial can train another step."""
        ...


class Unlimited:
    """There is time for everything."""

    is_limited = False

    def may_start(self, values: Settings, steps: int) -> bool:
        """It may."""
        return True

    def may_go_on(self, values: Settings) -> bool:
        """It may."""
        return True


class Watch(Protocol):
    """Who is told what happens; the store, TensorBoard and the table."""

    def began(self, trial: str, values: Settings) -> None:
        """A trial starts or goes on."""
        ...

    def paused(self, trial: str) -> None:
        """A trial waits to be promoted."""
        ...

    def ended(self, event: Ended) -> None:
        """A trial is over."""
        ...

    def had_ended(self, event: Ended) -> None:
        """A trial was over when an earlier driver died, who may not have told anybody."""
        ...


@dataclass(frozen=True)
class Taken:
    """The result of an equal trial that was trained before: best scores by step, and whose."""

    scores: Sequence[tuple[int, float]]
    source: str


Take = Callable[[str, Settings], Taken | None]
"""Gives a trial the result of an equal one, if there is one."""


class Unwatched:
    """Nobody is told."""

    def began(self, trial: str, values: Settings) -> None:
        """Nobody is told."""

    def paused(self, trial: str) -> None:
        """Nobody is told."""

    def ended(self, event: Ended) -> None:
        """Nobody is told."""

    def had_ended(self, event: Ended) -> None:
        """Nobody is told."""
