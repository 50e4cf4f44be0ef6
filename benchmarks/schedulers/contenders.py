"""Which ways to search are compared? Pairs of a searcher and a scheduler, as Ray takes them."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from orchestrator.decisions import Search
from orchestrator.journal import Event
from orchestrator.legs import LegScheduler, LegSearcher
from orchestrator.portfolio import Past, portfolio
from orchestrator.proposals import Sampled, samplers
from orchestrator.rules import Halving, rung_levels
from orchestrator.states import Ask, Leg
from orchestrator.watchdog import Watchdog
from search_spaces.language import Space
from trainable.config import TrialConfig
from trainable.leg_keys import BEST
from trainable.records import EpochRecord
from trainable.settings import unknown_name

GRACE_EPOCHS, REDUCTION = 3, 3
NO_LIMIT = 1_000_000
FIRST = 8
"""Configurations that history gives, as in a search."""


@dataclass(frozen=True)
class Assignment:
    """What a contender is given."""

    space: Space
    epochs: int
    """Of full training."""
    workers: int
    seed: int
    history: Sequence[Past] = ()
    trials: int | None = None
    """Configurations to try; None: as many as there is time for."""


Pair = tuple[Searcher, TrialScheduler]


@dataclass(frozen=True)
class Contender:
    """A way to search."""

    title: str
    make: Callable[[Assignment], Pair]
    uses_history: bool = False


class LimitedOptunaSearch(OptunaSearch):
    """Ray's searcher, which ends after so many trials as Ray's own `num_samples` would."""

    def __init__(self, trials: int | None, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._trials_left = trials

    def suggest(self, trial_id: str) -> Any:
        """Return the next configuration, or that there is none."""
        if self._trials_left == 0:
            return Searcher.FINISHED
        if self._trials_left is not None:
            self._trials_left -= 1
        return super().suggest(trial_id)


def optuna_search(assignment: Assignment, sampler: optuna.samplers.BaseSampler) -> Searcher:
    """Return Ray's searcher over Optuna: every trial that ends is told as complete."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A busy machine makes Ray think that a proposal trains something.
    warnings.filterwarnings("ignore", "Define-by-run function passed")
    draw = partial(assignment.space.suggest, base=TrialConfig())
    return LimitedOptunaSearch(assignment.trials, draw, metric=BEST, mode="max", sampler=sampler)


def ray_asha(assignment: Assignment) -> TrialScheduler:
    """Return Ray's own successive halving, which stops."""
    return ASHAScheduler(
        metric=BEST,
        mode="max",
        max_t=assignment.epochs,
        grace_period=GRACE_EPOCHS,
        reduction_factor=REDUCTION,
    )


def random_search(assignment: Assignment) -> Pair:
    """Train random configurations fully."""
    sampler = optuna.samplers.RandomSampler(assignment.seed)
    return optuna_search(assignment, sampler), FIFOScheduler()


def stopping_random(assignment: Assignment) -> Pair:
    """Stop random configurations early."""
    sampler = optuna.samplers.RandomSampler(assignment.seed)
    return optuna_search(assignment, sampler), ray_asha(assignment)


def rays_way(assignment: Assignment) -> Pair:
    """Combine Ray's stopping rule with Optuna's default sampler."""
    sampler = optuna.samplers.TPESampler(seed=assignment.seed)
    return optuna_search(assignment, sampler), ray_asha(assignment)


def ours(
    assignment: Assignment, *, sampler: str = "kde", promote: bool = False, first: int = 0
) -> Pair:
    """Search as the orchestrator does, with as many first configurations from history."""
    levels = rung_levels(GRACE_EPOCHS, REDUCTION, assignment.epochs)
    search = Search(
        Ask(assignment.trials or NO_LIMIT, assignment.workers, lambda values: assignment.epochs),
        Sampled(
            partial(assignment.space.suggest, base=TrialConfig()),
            samplers(sampler, assignment.seed, (*levels, assignment.epochs)),
            portfolio(assignment.history, assignment.space.domains(), first) if first else (),
        ),
        Halving(levels, REDUCTION, promote=promote),
        write=forget,
    )
    searcher = LegSearcher(search, Steady(), reason_of=str, is_over=lambda: False)
    return searcher, LegScheduler(searcher, Nobody(), Watchdog())


def forget(event: Event) -> None:
    """Write no journal: a simulation is over at once."""


class Steady:
    """Machines that are always there, and all fit."""

    def look(self) -> None:
        """See nothing new."""

    def place_of(self, leg: Leg) -> Mapping[str, Any]:
        """Return no need."""
        return {}

    def refuse(self, node: str, reason: str) -> None:
        """Never happen: no result of a simulated trial says that its machine is unfit."""
        raise AssertionError(f"{node} is refused: {reason}")

    def why_leaving(self, node: str) -> str:
        """Return no reason."""
        return ""


class Nobody:
    """Is told of every epoch, and that time passes."""

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Do nothing."""


def chosen(names: Sequence[str]) -> Mapping[str, Contender]:
    """Return the contenders of these names, all of them where none is named."""
    for name in names:
        if name not in CONTENDERS:
            raise unknown_name("contender", name, CONTENDERS)
    return {name: CONTENDERS[name] for name in names or CONTENDERS}


RANDOM, RAY = "random", "ray"
"""The contenders that others are measured against."""
CONTENDERS: Mapping[str, Contender] = {
    RANDOM: Contender("random, full training", random_search),
    "stopping": Contender("stopping ASHA, random", stopping_random),
    RAY: Contender("Ray's way: stopping ASHA, TPE", rays_way),
    "promoting-random": Contender(
        "promoting, random", partial(ours, sampler="random", promote=True)
    ),
    "promoting": Contender("promoting, kde", partial(ours, promote=True)),
    "halving": Contender("stopping, kde", ours),
    "promoting-history": Contender(
        "promoting, kde, history", partial(ours, promote=True, first=FIRST), uses_history=True
    ),
    "halving-history": Contender(
        "stopping, kde, history", partial(ours, first=FIRST), uses_history=True
    ),
}
