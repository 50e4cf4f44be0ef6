"""What do a study's trials teach? Their coordinates, and their scores on each rung, as arrays."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from orchestrator.dimensions import dimension_of
from orchestrator.kernels import Dimension, Numbers

ABOVE_ALL = math.inf
"""The rung of finished trials that reported nothing on their way: they have a final value only."""


@dataclass(frozen=True)
class Frame:
    """What the columns of the arrays stand for."""

    distributions: Mapping[str, Mapping[Hashable, BaseDistribution]]
    """By parameter, and by what makes them different: all that its values were drawn from."""
    rungs: tuple[float, ...]
    """Steps in ascending order, then the rung above all."""
    takes_new_rungs: bool

    @classmethod
    def around(cls, trials: Iterable[FrozenTrial], rungs: Sequence[int] | None) -> "Frame":
        """Return the frame that holds all the trials; ``rungs``: None for every step reported."""
        distributions: dict[str, dict[Hashable, BaseDistribution]] = {}
        steps: set[float] = set(rungs or ())
        for trial in trials:
            for name, distribution in trial.distributions.items():
                distributions.setdefault(name, {})[key(distribution)] = distribution
            if rungs is None:
                steps.update(trial.intermediate_values)
        return cls(distributions, (*sorted(steps), ABOVE_ALL), rungs is None)

    @cached_property
    def dimensions(self) -> Mapping[str, Dimension]:
        """The parameters that can be learned, in alphabetical order."""
        found = {
            name: dimension_of(self.distributions[name].values())
            for name in sorted(self.distributions)
        }
        return {name: dimension for name, dimension in found.items() if dimension is not None}

    def holds(self, trial: FrozenTrial) -> bool:
        """Say whether there is a column for all that a trial brings."""
        if self.takes_new_rungs and not self._steps.issuperset(trial.intermediate_values):
            return False
        return all(
            key(distribution) in self.distributions.get(name, ())
            for name, distribution in trial.distributions.items()
        )

    def coordinates(self, trial: FrozenTrial) -> list[float]:
        """Return where the trial's values lie, NaN for parameters that it does not have."""
        return [
            dimension.coordinate(trial.params[name]) if name in trial.params else math.nan
            for name, dimension in self.dimensions.items()
        ]

    @cached_property
    def _steps(self) -> frozenset[float]:
        return frozenset(self.rungs)


class Lessons:
    """The trials of a study as arrays, a row each; those that teach nothing are rows of NaN.

    Only what changed since the last time is read again, and still all that is known follows from
    the trials alone.
    """

    def __init__(self, rungs: Sequence[int] | None, sign: int) -> None:
        self.sign = sign
        """Scores are values times this: -1 where lower values are better."""
        self._rungs = rungs
        self._trials: Sequence[FrozenTrial] = ()
        self._open: dict[int, tuple[int, int]] = {}
        self._taught: set[int] = set()
        self._lay_out(())

    @property
    def dimensions(self) -> Mapping[str, Dimension]:
        """The parameters that were learned of: the columns of the coordinates."""
        return self._frame.dimensions

    @property
    def parameters(self) -> int:
        """How many of them one trial has at most."""
        return int(np.count_nonzero(~np.isnan(self._points), axis=1).max(initial=0))

    @property
    def scored(self) -> int:
        """How many trials have a score on some rung."""
        return int(np.count_nonzero(~np.isnan(self._scores).all(axis=1)))

    def highest_rung(self, enough: int) -> tuple[Numbers, Numbers] | None:
        """Return coordinates and scores on the highest rung that has enough of them."""
        has_score = ~np.isnan(self._scores)
        informed = np.flatnonzero(np.count_nonzero(has_score, axis=0) >= enough)
        if len(informed) == 0:
            return None
        rung = informed[-1]
        rows = has_score[:, rung]
        return self._points[rows], self._scores[rows, rung]

    def learn(self, trials: Sequence[FrozenTrial]) -> None:
        """Take all of a study's trials, in the order of their numbers."""
        known = len(self._trials)
        changed = [
            place
            for place, trial in enumerate(trials)
            if place >= known or trial is not self._trials[place] or self._has_grown(place, trial)
        ]
        if not self._goes_on(trials, changed):
            changed = list(range(len(trials)))
            self._lay_out([trial for trial in trials if teaches(trial)])
        self._make_room(len(trials))
        for place in changed:
            self._write(place, trials[place])
        self._trials = tuple(trials)
        maybe_open = {*self._open, *changed}
        self._open = {p: size(trials[p]) for p in maybe_open if not trials[p].state.is_finished()}

    def _has_grown(self, place: int, trial: FrozenTrial) -> bool:
        """Say whether an unfinished trial got more values in place, as some storages do it."""
        return place in self._open and self._open[place] != size(trial)

    def _goes_on(self, trials: Sequence[FrozenTrial], changed: Sequence[int]) -> bool:
        """Say whether nothing known was taken back, and there are columns for what is new."""
        known = len(self._trials)
        if len(trials) < known or any(p < known and p not in self._open for p in changed):
            return False
        return all(
            self._frame.holds(trials[place])
            if teaches(trials[place])
            else place not in self._taught
            for place in changed
        )

    def _lay_out(self, trials: Sequence[FrozenTrial]) -> None:
        """Forget all rows, and make columns for what the trials bring."""
        self._frame = Frame.around(trials, self._rungs)
        self._taught.clear()
        self._points = np.empty((0, len(self._frame.dimensions)))
        self._scores = np.empty((0, len(self._frame.rungs)))

    def _make_room(self, rows: int) -> None:
        """Double the rows where there are too few."""
        missing = rows - len(self._points)
        if missing > 0:
            more = max(missing, len(self._points))
            pad = ((0, more), (0, 0))
            self._points = np.pad(self._points, pad, constant_values=math.nan)
            self._scores = np.pad(self._scores, pad, constant_values=math.nan)

    def _write(self, place: int, trial: FrozenTrial) -> None:
        if teaches(trial):
            self._taught.add(place)
            self._points[place] = self._frame.coordinates(trial)
            self._scores[place] = scores_by_rung(trial, self._frame.rungs, self.sign)


def key(distribution: BaseDistribution) -> Hashable:
    """Return what makes a distribution another one: choices may be lists, which have no hash."""
    if isinstance(distribution, CategoricalDistribution):
        return repr(distribution.choices)
    return distribution


def size(trial: FrozenTrial) -> tuple[int, int]:
    """Return how many parameters and reports a trial has."""
    return len(trial.params), len(trial.intermediate_values)


def teaches(trial: FrozenTrial) -> bool:
    """Say whether a trial has a score: one that failed has none."""
    if trial.state in (TrialState.FAIL, TrialState.WAITING):
        return False
    if trial.intermediate_values:
        return any(map(math.isfinite, trial.intermediate_values.values()))
    return trial.value is not None and math.isfinite(trial.value)


def scores_by_rung(trial: FrozenTrial, rungs: Sequence[float], sign: int) -> list[float]:
    """Return the last value up to each rung times ``sign``, NaN for rungs that were not reached.

    Values that are no numbers are passed over.
    """
    if not trial.intermediate_values:
        assert trial.value is not None
        return [sign * trial.value if rung == ABOVE_ALL else math.nan for rung in rungs]
    reports = sorted(trial.intermediate_values.items())
    last_step = reports[-1][0]
    scores: list[float] = []
    last, read = math.nan, 0
    for rung in rungs:
        while read < len(reports) and reports[read][0] <= rung:
            value = reports[read][1]
            last = sign * value if math.isfinite(value) else last
            read += 1
        scores.append(last if rung <= last_step else math.nan)
    return scores
