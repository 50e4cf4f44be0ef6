"""Which trials are given up early, and which configuration comes next?"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from ray.tune.schedulers import (
    ASHAScheduler,
    FIFOScheduler,
    MedianStoppingRule,
    TrialScheduler,
)
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from orchestrator.config import SchedulerSection, SearchSection
from orchestrator.plan import Plan
from trainable.ray_trial import BEST
from trainable.recipes.recipe import Settings


def make_scheduler(config: SchedulerSection, epochs: int) -> TrialScheduler:
    """Return Ray's scheduler of that name; every rule compares best scores so far."""
    return SCHEDULERS[config.name](config, epochs)


def make_searcher(plan: Plan) -> Searcher:
    """Return Optuna's sampler behind Ray's interface; the same seed draws the same first trials.

    Trials that the plan lists are taken in their order instead.
    """
    if plan.points:
        return ListedTrials(plan.points)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    draw = partial(plan.space.suggest, base=plan.base)
    return OptunaSearch(draw, metric=BEST, mode="max", sampler=make_sampler(plan.config.search))


class ListedTrials(Searcher):
    """Suggests listed configurations one after the other."""

    def __init__(self, points: Sequence[Settings]) -> None:
        super().__init__(metric=BEST, mode="max")
        self._points = tuple(points)
        self._suggested: list[str] = []

    def suggest(self, trial_id: str) -> Any:
        """Return the next configuration, or that there is none."""
        number = len(self._suggested)
        if number == len(self._points):
            return Searcher.FINISHED
        self._suggested.append(trial_id)
        return dict(self._points[number])

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Learn nothing: all trials are listed."""

    def save(self, checkpoint_path: str) -> None:
        """Write which were suggested."""
        Path(checkpoint_path).write_text(json.dumps(self._suggested))

    def restore(self, checkpoint_path: str) -> None:
        """Go on after those that were suggested."""
        self._suggested = json.loads(Path(checkpoint_path).read_text())


def make_sampler(config: SearchSection) -> optuna.samplers.BaseSampler:
    """Return Optuna's sampler of that name."""
    return SAMPLERS[config.sampler](config.seed)


def _asha(config: SchedulerSection, epochs: int) -> TrialScheduler:
    return ASHAScheduler(
        time_attr="training_iteration",
        metric=BEST,
        mode="max",
        max_t=epochs,
        grace_period=min(config.grace_epochs, epochs),
        reduction_factor=config.reduction,
    )


def _median(config: SchedulerSection, epochs: int) -> TrialScheduler:
    return MedianStoppingRule(
        time_attr="training_iteration",
        metric=BEST,
        mode="max",
        grace_period=config.grace_epochs,
    )


def _fifo(config: SchedulerSection, epochs: int) -> TrialScheduler:
    return FIFOScheduler()


SCHEDULERS: Mapping[str, Callable[[SchedulerSection, int], TrialScheduler]] = {
    "asha": _asha,
    "fifo": _fifo,
    "median": _median,
}
SAMPLERS: Mapping[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
