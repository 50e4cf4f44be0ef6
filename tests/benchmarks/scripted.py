"""What do the tests of the event clock drive? Three curves, a scripted searcher and scheduler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ray.tune.result import TRAINING_ITERATION
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from benchmarks.schedulers.curves import Curve
from search_spaces.language import Space, choice
from trainable.leg_keys import BEST, STEP

NAME = "model.name"
CURVES = {
    # name -> scores, and seconds of each epoch
    "quick": ((0.1, 0.3, 0.2), (2.0, 2.0, 2.0)),
    "slow": ((0.2, 0.4, 0.6), (3.0, 3.0, 3.0)),
    "uneven": ((0.5, 0.5, 0.9), (1.0, 3.0, 5.0)),
}


@dataclass
class ThreeCurves:
    name: str = "three curves"
    epochs: int = 3
    space: Space = field(default_factory=lambda: Space("Which?", {NAME: choice(*CURVES)}))

    def curves(self, configurations: Sequence[Mapping[str, Any]]) -> list[Curve]:
        found = [CURVES[values[NAME]] for values in configurations]
        return [Curve(np.array(scores), np.array(seconds)) for scores, seconds in found]


class Script(Searcher):
    """Suggests what it was given, in turn, and notes what it is told: (what, step)."""

    def __init__(self, *suggestions: Any) -> None:
        super().__init__(metric=BEST, mode="max")
        self._suggestions = list(suggestions)
        self.told: dict[str, list[tuple[str, int]]] = {}

    def suggest(self, trial_id: str) -> Any:
        if not self._suggestions:
            return Searcher.FINISHED
        suggestion = self._suggestions.pop(0)
        if suggestion is not None:
            self.told[trial_id] = []
        return suggestion

    def on_trial_result(self, trial_id: str, result: Any) -> None:
        self.told[trial_id].append(("result", result[STEP]))

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        self.told[trial_id].append(("complete", result[STEP]))

    def save(self, checkpoint_path: str) -> None: ...

    def restore(self, checkpoint_path: str) -> None: ...


class StopAfter(FIFOScheduler):
    """Stops each trial after so many results, and notes (trial, time, step) and the best score."""

    def __init__(self, results: int = 99, decision: str = TrialScheduler.STOP) -> None:
        super().__init__()
        self._results, self._decision = results, decision
        self.simulation: Any = None
        self.seen: list[tuple[str, float, int]] = []
        self.best: list[float] = []

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Any) -> str:
        self.seen.append((trial.config[NAME], self.simulation.now, result[STEP]))
        self.best.append(result[BEST])
        is_over = result[TRAINING_ITERATION] == self._results
        return self._decision if is_over else TrialScheduler.CONTINUE
