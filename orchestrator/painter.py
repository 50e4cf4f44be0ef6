"""Who draws the best trials without holding up the search? A thread, one after the other."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from orchestrator.pictures import trial_pictures
from orchestrator.projector import write_projector
from orchestrator.tensorboard import has_pictures, log_pictures
from trainable.store import ExperimentFolder

DRAWN = 5
"""Best trials that are drawn: all of thousands would make gigabytes."""


class Painter:
    """Draws a trial that has ended, if it is among the best then, and still is in its turn.

    What cannot be drawn is told once, and is no reason to end a search.
    """

    def __init__(self, folder: ExperimentFolder) -> None:
        self._folder = folder
        self._best = frozenset[str]()
        self._thread = ThreadPoolExecutor(1)
        self._asked: list[Future[None]] = []
        self._has_told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def ended(self, trial: str, best: Sequence[str]) -> None:
        """Take that a trial has ended, and which are the ``best`` of those that have."""
        self._best = frozenset(best[:DRAWN])
        if trial in self._best:
            self._ask(trial, self._draw_if_best)

    def finish(self, best: Sequence[str], until: float | None = None) -> None:
        """Draw what is left: what an earlier driver did not live to draw, the best's projector.

        ``until`` is in seconds since 1970, None for no limit: then the rest is left out.
        """
        self._wait(until)
        for trial in best[:DRAWN]:
            if not has_pictures(self._folder.tensorboard, trial):
                self._ask(trial, self._draw)
        if best and self._folder.trial(best[0]).has_eval():
            self._ask(best[0], self._draw_projector)
        self._wait(until)

    def _ask(self, trial: str, draw: Callable[[str], None]) -> None:
        self._asked.append(self._thread.submit(self._try, trial, draw))

    def _try(self, trial: str, draw: Callable[[str], None]) -> None:
        try:
            draw(trial)
        except Exception as error:  # whatever it is, the search is worth more than its pictures
            self._tell(f"{trial} cannot be drawn for TensorBoard: {error or type(error).__name__}")

    def _draw_if_best(self, trial: str) -> None:
        if trial in self._best:
            self._draw(trial)

    def _draw(self, trial: str) -> None:
        folder = self._folder.trial(trial)
        best = folder.read().best
        assert best  # it is among the best
        log_pictures(self._folder.tensorboard, trial, best.epoch, trial_pictures(folder))

    def _draw_projector(self, trial: str) -> None:
        write_projector(self._folder.trial(trial))

    def _wait(self, until: float | None) -> None:
        wait(self._asked, None if until is None else max(0.0, until - time.time()))

    def _tell(self, problem: str) -> None:
        if not self._has_told:
            self._has_told = True
            print(f"note: {problem}; no more is said of pictures", file=sys.stderr)
