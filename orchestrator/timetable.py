"""Does what is about to start still end in time?"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.deadline import End, spoken
from orchestrator.kind import Kind
from orchestrator.pace import Pace
from trainable.settings import UserError

CAUTION = 2.0
"""Spreads of a step that are kept free: of errors that are normal, one in 44 is larger."""


class Timetable:
    """When trials must be over, so that everything is ready at ``end`` (seconds since 1970).

    ``end`` is None where nothing limits the search. ``clock`` gives seconds since 1970.
    """

    def __init__(
        self, end: float | None, pace: Pace, clock: Callable[[], float] = time.time
    ) -> None:
        self.end = end
        self._pace = pace
        self._clock = clock
        self._reserved = 0.0

    def reserve(self, eval_seconds: float, final_seconds: float = 0.0) -> None:
        """Keep time free after the trials, in place of what was kept before."""
        self._reserved = eval_seconds + final_seconds

    @property
    def reserved(self) -> float:
        """Seconds that are kept free after the trials."""
        return self._reserved

    @property
    def training_end(self) -> float | None:
        """When trials must be over, in seconds since 1970; None where nothing limits them."""
        return None if self.end is None else self.end - self._reserved

    def left(self) -> float:
        """Return the seconds that trials have from now on: infinitely many, or down to 0."""
        return (
            math.inf if self.training_end is None else max(0.0, self.training_end - self._clock())
        )

    def may_start(self, kind: Kind, steps: int) -> bool:
        """Say whether a trial that is given a slot now can train so many steps, to its next rung.

        Where nothing is known of any trial's pace, it may.
        """
        start = self._pace.start_seconds(kind) or 0.0
        return self._fits(start, kind, steps)

    def may_go_on(self, kind: Kind) -> bool:
        """Say whether a running trial can train one more step."""
        return self._fits(0.0, kind, 1)

    def _fits(self, start_seconds: float, kind: Kind, steps: int) -> bool:
        step_seconds = self._pace.step_seconds(kind) or 0.0
        # Errors of single steps even out; they add up as independent ones do.
        cautious = steps + CAUTION * self._pace.spread * math.sqrt(steps)
        left = self.left()
        return 0 < left >= start_seconds + cautious * step_seconds


@dataclass(frozen=True)
class EvalWork:
    """The eval predictions: of ``images`` by the networks of ``folds`` of each of ``trials``.

    One of the networks embeds ``embedded`` validation images too.
    """

    images: int
    folds: int
    trials: int
    side_by_side: int = 1
    embedded: int = 0


def eval_seconds(work: EvalWork, seconds_per_image: float, setup_seconds: float) -> float:
    """Return how long the eval predictions take.

    Each trial is built in ``setup_seconds``, and all images are predicted for each fold at
    ``seconds_per_image``, which is that of all members together, as in validation; one that is
    embedded takes no longer.
    """
    rounds = math.ceil(work.trials / work.side_by_side)
    predicted = work.images * work.folds + work.embedded
    return rounds * (setup_seconds + predicted * seconds_per_image)


@dataclass(frozen=True)
class OneTrial:
    """What a trial that is not stopped takes, and what comes after it, in seconds."""

    steps: int
    step_seconds: float
    start_seconds: float
    reserved: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.start_seconds + self.steps * self.step_seconds + self.reserved


def refuse_too_short(end: End, now: float, needed: OneTrial) -> None:
    """Raise UserError where not even one trial would be ready in time; say how long one takes."""
    if now + needed.seconds <= end.at:
        return
    raise UserError(
        f"{end.asked} leaves {spoken(end.at - now)}, and one trial takes about "
        f"{spoken(needed.seconds)} here ({needed.steps} epochs of {spoken(needed.step_seconds)}, "
        f"{spoken(needed.start_seconds)} to start, {spoken(needed.reserved)} for the eval "
        "predictions): give it more time, or lower train.epochs"
    )
