"""Which trials are given up early, and which configuration comes next?"""

from collections.abc import Callable, Mapping
from functools import partial

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


def make_scheduler(config: SchedulerSection, epochs: int) -> TrialScheduler:
    """Return Ray's scheduler of that name; every rule compares best scores so far."""
    return SCHEDULERS[config.name](config, epochs)


def make_searcher(plan: Plan) -> Searcher:
    """Return Optuna's sampler behind Ray's interface; the same seed draws the same first trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    draw = partial(plan.space.suggest, base=plan.base)
    return OptunaSearch(draw, metric=BEST, mode="max", sampler=make_sampler(plan.config.search))


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
