"""Which configuration comes next? A list, what earlier experience says first, then a sampler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from orchestrator.kde import KdeSampler
from search_spaces.language import Draw
from trainable.recipes.recipe import Settings
from trainable.settings import Value

SAMPLED, LISTED = "sampler", "listed"


class Given(Protocol):
    """A configuration to start from, and whose it is; what it leaves open is drawn."""

    @property
    def values(self) -> Settings:
        """Its values."""
        ...

    @property
    def source(self) -> str:
        """Whose it is."""
        ...


@dataclass(frozen=True)
class Proposal:
    """A configuration to try, and who proposed it."""

    values: Settings
    source: str


class Proposals(Protocol):
    """Where configurations come from."""

    def propose(self, trial: str) -> Proposal | None:
        """Return the configuration of a new trial, None where there is none left."""
        ...

    def restore(self, trial: str, values: Settings) -> None:
        """Take a trial that was proposed by an earlier driver."""
        ...

    def knows(self, trial: str) -> bool:
        """Say whether the trial was proposed here, or restored."""
        ...

    def tell(self, trial: str, step: int, score: float) -> None:
        """Learn the best score so far of a trial."""
        ...

    def end(self, trial: str, *, is_complete: bool, score: float | None) -> None:
        """Learn that a trial is over; without a score it counts for nothing."""
        ...


class Listed:
    """Configurations one after the other; nothing is learned."""

    def __init__(self, points: Sequence[Settings]) -> None:
        self._points = tuple(points)
        self._proposed: set[str] = set()

    def propose(self, trial: str) -> Proposal | None:
        """Return the next of the list."""
        place = len(self._proposed)
        if place == len(self._points):
            return None
        self._proposed.add(trial)
        return Proposal(self._points[place], LISTED)

    def restore(self, trial: str, values: Settings) -> None:
        """Count it."""
        self._proposed.add(trial)

    def knows(self, trial: str) -> bool:
        """Say whether it was counted."""
        return trial in self._proposed

    def tell(self, trial: str, step: int, score: float) -> None:
        """Learn nothing."""

    def end(self, trial: str, *, is_complete: bool, score: float | None) -> None:
        """Learn nothing."""


class Sampled:
    """An Optuna sampler behind the configurations that come first.

    Each proposal is drawn by a sampler with a seed of its own, made of ``seed`` and the trial's
    number, so that an interrupted search proposes what it would have proposed: no generator's state
    has to be kept. Trials that run or are paused are running trials to the sampler.
    """

    def __init__(
        self,
        draw: Draw,
        make_sampler: Callable[[int], BaseSampler],
        first: Sequence[Given] = (),
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._draw = draw
        self._make_sampler = make_sampler
        self._first = tuple(first)
        self._study = optuna.create_study(direction="maximize")
        self._trials: dict[str, optuna.Trial] = {}
        self._left: set[str] = set()

    def propose(self, trial: str) -> Proposal | None:
        """Draw a configuration; what a first one leaves open is drawn too."""
        number = len(self._trials)
        first = self._first[number] if number < len(self._first) else Proposal({}, SAMPLED)
        sampler = self._make_sampler(number)
        return Proposal(self._ask(trial, first.values, sampler), first.source)

    def restore(self, trial: str, values: Settings) -> None:
        """Ask for exactly these values; one that has left the space teaches nothing any more."""
        try:
            self._ask(trial, values, RandomSampler(seed=0))
        except ValueError:
            self._study.tell(self._trials[trial], state=TrialState.FAIL)
            self._left.add(trial)

    def knows(self, trial: str) -> bool:
        """Say whether the study holds it."""
        return trial in self._trials

    def tell(self, trial: str, step: int, score: float) -> None:
        """Pass the score on."""
        if trial not in self._left:
            self._trials[trial].report(score, step)

    def end(self, trial: str, *, is_complete: bool, score: float | None) -> None:
        """Pass on how it ended: a stopped trial is no complete one."""
        if trial in self._left:
            return
        if score is None:
            self._study.tell(self._trials[trial], state=TrialState.FAIL)
        elif is_complete:
            self._study.tell(self._trials[trial], score)
        else:
            self._study.tell(self._trials[trial], state=TrialState.PRUNED)

    def _ask(self, trial: str, values: Settings, sampler: BaseSampler) -> dict[str, Value]:
        self._study.sampler = sampler
        if values:
            self._study.enqueue_trial(dict(values))
        self._trials[trial] = self._study.ask()
        return self._draw(self._trials[trial])


def samplers(name: str, seed: int, rungs: Sequence[int]) -> Callable[[int], BaseSampler]:
    """Return what makes the sampler of a trial's number; ``rungs`` are the steps compared at."""
    if name == "kde":
        sampler = KdeSampler(seed, rungs=rungs or None)  # it tells the trials' numbers apart itself
        return lambda number: sampler
    return lambda number: OPTUNAS[name](_seed_of(seed, number))


def _seed_of(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


OPTUNAS: Mapping[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed),
    "gp": lambda seed: GPSampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}
"""Optuna's own samplers by name."""
