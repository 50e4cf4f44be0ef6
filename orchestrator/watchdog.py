"""Which trial has been silent for so long that it hangs? Each is judged by its own epochs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.deadline import spoken
from trainable.patience import patience

TIMES_AS_LONG = 10
"""A trial hangs when it is silent for so many times as long as its longest epoch took."""
LEAST_SILENCE_SECONDS = 60.0
"""Short epochs vary: storing one on a slow disk may take longer than training it."""
FIRST_SILENCE_SECONDS = 300.0
"""Before a leg's first epoch images may have to be decoded, and weights to be fetched."""
UNKNOWN_SILENCE_SECONDS = 3600.0
"""What is waited for the first epoch of all."""


@dataclass
class _Heard:
    at: float
    longest_epoch: float | None = None


class Watchdog:
    """Knows when each running trial was heard last; ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[str, _Heard] = {}
        self._longest_first: float | None = None

    def began(self, trial: str) -> None:
        """Take that a trial's process has begun a leg."""
        self._heard[trial] = _Heard(self._clock())

    def heard(self, trial: str, epoch_seconds: float) -> None:
        """Take that a trial has trained an epoch."""
        known, now = self._heard.pop(trial, None), self._clock()
        if known and known.longest_epoch is None:
            self._longest_first = max(now - known.at, self._longest_first or 0.0)
        longest = max(epoch_seconds, (known and known.longest_epoch) or 0.0)
        self._heard[trial] = _Heard(now, longest)

    def ended(self, trial: str) -> None:
        """Take that a trial no longer runs."""
        self._heard.pop(trial, None)

    def hanging(self) -> dict[str, str]:
        """Return the trials that hang, and why it is thought that they do."""
        now = self._clock()
        return {
            trial: f"it gave no sign of life for {spoken(now - heard.at)}{_comparison(heard)}"
            for trial, heard in self._heard.items()
            # A trial that waits for storage tells nothing meanwhile, and would lose its epoch.
            if now - heard.at > self._usual_silence(heard) + patience()
        }

    def _usual_silence(self, heard: _Heard) -> float:
        if heard.longest_epoch is not None:
            return max(LEAST_SILENCE_SECONDS, TIMES_AS_LONG * heard.longest_epoch)
        if self._longest_first is not None:
            return max(FIRST_SILENCE_SECONDS, TIMES_AS_LONG * self._longest_first)
        return UNKNOWN_SILENCE_SECONDS


def _comparison(heard: _Heard) -> str:
    longest = heard.longest_epoch
    return "" if longest is None else f", and its longest epoch took {spoken(longest)}"
