"""For how long is storage that refuses asked again? Where training would be lost, for minutes."""

import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_exponential,
)

from trainable.settings import UserError

Found = TypeVar("Found")

PATIENCE_VARIABLE = "FACE_ORCHESTRATOR_PATIENCE"
"""Names for how many seconds storage that refuses is asked again."""
SECONDS = 120.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts, doubled after each."""
_lock = threading.Lock()
_patient = 0
_over: deque[str] = deque(maxlen=20)


@contextmanager
def patient() -> Generator[None]:
    """Let all threads of this process ask storage that refuses again, until the end of the context.

    Elsewhere a refusal is told at once: nothing is lost, and the user may have mistyped a name.
    Raises UserError where the environment names no number of seconds.
    """
    global _patient
    asked_seconds()
    with _lock:
        _patient += 1
    try:
        yield
    finally:
        with _lock:
            _patient -= 1


def patience() -> float:
    """Return for how many seconds storage that refuses is asked again now."""
    return asked_seconds() if _patient else 0.0


def asked_seconds() -> float:
    """Return the patience that the environment asks for; UserError where that is no number."""
    asked = os.environ.get(PATIENCE_VARIABLE) or str(SECONDS)
    with suppress(ValueError):
        if 0 <= float(asked) < math.inf:
            return float(asked)
    raise UserError(f"{PATIENCE_VARIABLE}={asked}: write a number of seconds, {SECONDS:.0f} or 0")


def waits_over() -> list[str]:
    """Return, once, a sentence for each time that storage was waited for, and gave in."""
    with _lock:
        found = list(_over)
        _over.clear()
    return found


def ask_again(
    what: str, refusals: Callable[[BaseException], str], attempt: Callable[[], Found]
) -> Found:
    """Return what ``attempt`` gives, asking again while it is refused.

    ``refusals`` says why an error is a refusal, and nothing of another error. The user hears that
    ``what`` is impossible when the waiting begins.
    """
    waiting = _Waiting(what, refusals)
    found = Retrying(**waiting.rules)(attempt)
    waiting.end()
    return found


async def ask_again_meanwhile(
    what: str, refusals: Callable[[BaseException], str], attempt: Callable[[], Awaitable[Found]]
) -> Found:
    """Do as ``ask_again`` does, beside other work."""
    waiting = _Waiting(what, refusals)
    found = await AsyncRetrying(**waiting.rules)(attempt)
    waiting.end()
    return found


class _Waiting:
    """How tenacity asks again for one thing, and what the user is told of it."""

    def __init__(self, what: str, refusals: Callable[[BaseException], str]) -> None:
        self._what, self._refusals, self._reason = what, refusals, ""
        self._began, self._seconds = time.monotonic(), patience()

    @property
    def rules(self) -> dict[str, Any]:
        return {
            "retry": retry_if_exception(lambda error: bool(self._refusals(error))),
            "wait": wait_exponential(FIRST_PAUSE, LONGEST_PAUSE),
            "stop": stop_after_delay(self._seconds),
            "before_sleep": self._begin,
            "reraise": True,
        }

    def _begin(self, state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        if error and not self._reason:
            self._reason = self._refusals(error)
            shown = f"{self._what}: {self._reason}; trying for {self._seconds:.0f} s"
            print(f"note: {shown}", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._reason:
            waited = time.monotonic() - self._began
            with _lock:
                _over.append(f"{self._what} for {waited:.0f} s: {self._reason}")
