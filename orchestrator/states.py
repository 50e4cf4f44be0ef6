"""How does a trial of a search stand, and what is a slot given?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from orchestrator.journal import Ended
from orchestrator.rules import Verdict
from trainable.recipes.recipe import Settings


@dataclass(frozen=True)
class Leg:
    """A trial from a step on, up to where it pauses or ends: what a slot is given.

    ``relief`` is how often it ran out of memory: so much less of it has to do.
    """

    trial: str
    values: Settings
    step: int
    relief: int = 0


@dataclass(frozen=True)
class Ask:
    """What is asked of a search: trials, how many at once, and the steps of each.

    At least ``whole`` of them are trained to their end, if there are as many.
    """

    trials: int
    slots: int
    steps: Callable[[Settings], int]
    whole: int = 0


@dataclass(frozen=True)
class TrialState:
    """How a trial stands.

    ``failures`` of its process, ``losses`` of the machine under it, ``relief``: times it ran out of
    memory; ``is_filling``: it goes on for want of anything better.
    """

    values: Settings
    steps: int
    status: Literal["waiting", "running", "paused", "ended"] = "waiting"
    step: int = 0
    score: float | None = None
    failures: int = 0
    losses: int = 0
    relief: int = 0
    has_begun: bool = False
    is_filling: bool = False
    verdict: Verdict | Literal["taken"] = "continue"
    ended: Ended | None = None
    """How it ended; a resumed search may go on with it all the same."""
