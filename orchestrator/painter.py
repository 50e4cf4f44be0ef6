"""When are trials drawn for TensorBoard? When they end among the best, beside the search."""

from collections.abc import Sequence

from orchestrator.beside import Beside
from orchestrator.pictures import trial_pictures
from orchestrator.projector import write_projector
from orchestrator.tensorboard import has_pictures, log_pictures
from trainable.store import ExperimentFolder

DRAWN = 5
"""Best trials that are drawn: all of thousands would make gigabytes."""


class Painter:
    """Draws a trial that has ended, if it is among the best then, and still is in its turn."""

    def __init__(self, folder: ExperimentFolder) -> None:
        self._folder = folder
        self._best = frozenset[str]()
        self._beside = Beside("TensorBoard's pictures")

    def close(self) -> None:
        """Begin nothing any more."""
        self._beside.close()

    def ended(self, trial: str, best: Sequence[str]) -> None:
        """Draw the trial if it is among the ``best``."""
        self._best = frozenset(best[:DRAWN])
        if trial in self._best:
            self._beside.ask(trial, self._draw_if_best)

    def finish(self, best: Sequence[str], until: float | None = None) -> None:
        """Draw what an earlier driver did not live to draw, and the projector of the best."""
        self._beside.wait(until)
        for trial in best[:DRAWN]:
            if not has_pictures(self._folder.tensorboard, trial):
                self._beside.ask(trial, self._draw)
        if best and self._folder.trial(best[0]).has_eval():
            self._beside.ask(best[0], self._draw_projector)
        self._beside.wait(until)

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
