"""How is a search watched? As a table that stays in place; without a terminal, as lines."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from orchestrator.progress import SearchProgress, TrialProgress
from orchestrator.search_table import SearchTable, progress_line, trial_line
from trainable.settings import printable

SECONDS_BETWEEN_LINES = 30
ENDED = ("stopped", "completed", "failed")


class LiveTable:
    """Shows the latest state it was given, from ``with`` to the end of the block.

    ``clock`` is the clock of the goal's times, in seconds.
    """

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._console = console or Console()
        self._clock = clock
        self._progress: SearchProgress | None = None
        self._last_line = clock()
        # The table is drawn twice a second by a thread of its own, so that the clock in it moves.
        self._live = Live(get_renderable=self._table, console=self._console, refresh_per_second=2)

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._console.is_interactive:
            self._live.stop()
        elif self._progress:
            self._say_progress(self._progress)

    def update(self, progress: SearchProgress) -> None:
        """Show this state from now on; trials that had ended in the first one are not news."""
        before, self._progress = self._progress or progress, progress
        if self._console.is_interactive:
            return
        self._say_ended(before, progress)
        if self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._say_progress(progress)

    def say(self, text: str) -> None:
        """Print a line above the table."""
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> RenderableType:
        return SearchTable(self._progress, self._clock()) if self._progress else ""

    def _say_ended(self, before: SearchProgress, progress: SearchProgress) -> None:
        if progress.trials is before.trials:
            return
        for name, trial in progress.trials.items():
            known = before.trials.get(name)
            if trial is not known and trial.status in ENDED and not _has_ended(known):
                self.say(trial_line(trial))

    def _say_progress(self, progress: SearchProgress) -> None:
        self.say(progress_line(progress, self._clock()))
        self._last_line = self._clock()


def _has_ended(trial: TrialProgress | None) -> bool:
    return trial is not None and trial.status in ENDED
