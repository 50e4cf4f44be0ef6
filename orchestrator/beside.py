"""How is work done that a search neither waits for nor fails by? In a thread of its own."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Protocol

from trainable.command_line import tell


class Onlooker(Protocol):
    """Who makes something of trials that have ended, beside the search."""

    def ended(self, trial: str, best: Sequence[str]) -> None:
        """Take that a trial has ended, and which of those that have are the ``best``, in order."""
        ...

    def finish(self, best: Sequence[str], until: float | None = None) -> None:
        """Make up for what is missing when the trials are over and the ``best`` predicted.

        ``until`` is in seconds since 1970, None for no limit: then the rest is left out.
        """
        ...

    def close(self) -> None:
        """Begin nothing any more."""
        ...


class Beside:
    """A thread that does one job after the other, named by what they are ``about``.

    The first that fails is told, and is no reason to end a search.
    """

    def __init__(self, about: str) -> None:
        self._about = about
        self._thread = ThreadPoolExecutor(1)
        self._asked: list[Future[None]] = []
        self._has_told = False

    def ask(self, trial: str, job: Callable[[str], None]) -> None:
        """Do a job for a trial, after those that were asked before."""
        self._asked.append(self._thread.submit(self._try, trial, job))

    def wait(self, until: float | None) -> None:
        """Return when all jobs are done, or at ``until`` (seconds since 1970)."""
        left = None if until is None else max(0.0, until - time.time())
        self._asked = list(wait(self._asked, left).not_done)

    def close(self) -> None:
        """Begin no further job; one that is at work ends by itself."""
        if any(job.cancel() for job in self._asked):
            self._tell(f"no time was left for all {self._about}")
        self._thread.shutdown(wait=False)

    def _try(self, trial: str, job: Callable[[str], None]) -> None:
        try:
            job(trial)
        except Exception as error:  # whatever it is, the search is worth more
            problem = f"{trial}: {error or type(error).__name__}"
            self._tell(f"{problem}; no more is said of problems with {self._about}")

    def _tell(self, problem: str) -> None:
        if not self._has_told:
            self._has_told = True
            tell([problem])
