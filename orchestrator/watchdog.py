"""Which trial has been silent for so long that it hangs? Each is judged by its own epochs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.breakage import Breakage
from orchestrator.deadline import spoken
from trainable.patience import patience

TIMES_AS_LONG = 10
"""A trial hangs when it is silent for so many times as long as its longest epoch took."""
LEAST_SILENCE_SECONDS = 60.0
"""Short epochs vary: storing one on a slow disk may take longer than training it."""
FIRST_SILENCE_SECONDS = 300.0
"""Before a leg's first epoch images may have to be decoded, and weights to be fetched."""
UNKNOWN_SILENCE_SECONDS = 3600.0
"""What is waited for a machine's first epoch: it may have to fetch all the data before."""
LONGEST_STEP_SECONDS = 10.0
"""A driver that asks for the time less often was stopped in between, and heard nobody."""


class AwakeClock:
    """Seconds that this process was awake: where it was stopped (Ctrl-Z), hardly any pass.

    What trials report meanwhile is on its way when the process goes on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked_at = clock()
        self._awake = 0.0

    def __call__(self) -> float:
        """Return the seconds since the clock was made."""
        now = self._clock()
        self._awake += min(now - self._asked_at, LONGEST_STEP_SECONDS)
        self._asked_at = now
        return self._awake


@dataclass
class _Heard:
    at: float
    node: str
    longest_epoch: float | None = None


class Watchdog:
    """Knows when each running trial was heard last; ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or AwakeClock()
        self._heard: dict[str, _Heard] = {}
        self._longest_first = 0.0
        self._trained_on: set[str] = set()

    def began(self, trial: str, node: str) -> None:
        """Take that a trial's process has begun a leg on a machine."""
        self._heard[trial] = _Heard(self._clock(), node)

    def heard(self, trial: str, epoch_seconds: float) -> None:
        """Take that a trial has trained an epoch; one that is over may have been on its way."""
        heard, now = self._heard.get(trial), self._clock()
        if heard is None:
            return
        if heard.longest_epoch is None:
            self._longest_first = max(now - heard.at, self._longest_first)
            self._trained_on.add(heard.node)
        heard.at, heard.longest_epoch = now, max(epoch_seconds, heard.longest_epoch or 0.0)

    def ended(self, trial: str) -> None:
        """Take that a trial no longer runs."""
        self._heard.pop(trial, None)

    def hanging(self) -> dict[str, Breakage]:
        """Return the trials that hang, and why it is thought that they do."""
        now = self._clock()
        return {
            trial: self._breakage(heard, now - heard.at)
            for trial, heard in self._heard.items()
            # A trial that waits for storage tells nothing meanwhile, and would lose its epoch.
            if now - heard.at > self._usual_silence(heard) + patience()
        }

    def _breakage(self, heard: _Heard, seconds: float) -> Breakage:
        reason = f"it gave no sign of life for {spoken(seconds)}{_comparison(heard)}"
        return Breakage("trial" if heard.node in self._trained_on else "machine", reason)

    def _usual_silence(self, heard: _Heard) -> float:
        if heard.longest_epoch is not None:
            return max(LEAST_SILENCE_SECONDS, TIMES_AS_LONG * heard.longest_epoch)
        if heard.node in self._trained_on:
            return max(FIRST_SILENCE_SECONDS, TIMES_AS_LONG * self._longest_first)
        return UNKNOWN_SILENCE_SECONDS


def _comparison(heard: _Heard) -> str:
    longest = heard.longest_epoch
    return "" if longest is None else f", and its longest epoch took {spoken(longest)}"
