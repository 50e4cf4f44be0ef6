"""Which few configurations of earlier experiments should a new search try first?

A configuration is worth what it would reach in every earlier experiment, which each one's own
trials predict. The first of a portfolio is good in all of them, and each further one is good where
those before it are not.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy.stats import rankdata
from sklearn.ensemble import ExtraTreesRegressor

from trainable.settings import Value

CANDIDATES = 10
"""Best trials of an experiment that a portfolio may hold."""
TREES = 50
DECIMALS = 9
"""Of a gain: what lies below is a rounding error."""
NAMED = 3
"""Experiments that a reason names."""

Numbers = NDArray[np.float64]
Domains = Mapping[str, Sequence[BaseDistribution]]
"""Path -> what its value may be drawn from, as ``Space.domains`` gives it."""
_NONE = object()
"""The value of a parameter that a trial does not have."""


@dataclass(frozen=True)
class Tried:
    """A trial: its values, and the score of its best epoch so far; higher is better."""

    name: str
    values: Mapping[str, Value]
    score: float


@dataclass(frozen=True)
class Past:
    """An earlier experiment's trials, whose scores compare with one another alone."""

    name: str
    trials: Sequence[Tried]


@dataclass(frozen=True)
class Choice:
    """A configuration to try, the ``<experiment>/<trial>`` it comes from, and why."""

    values: Mapping[str, Value]
    source: str
    reason: str


def portfolio(pasts: Sequence[Past], domains: Domains, size: int) -> list[Choice]:
    """Return up to ``size`` distinct configurations, the one that promises most first.

    Each adds most to the mean, over the experiments, of the best that is predicted there; where
    nothing more is gained, the best on average of the rest follow. Choosing greedily is as in
    Feurer et al. 2022, "Auto-Sklearn 2.0", section 3.1.
    """
    told = [past for past in pasts if past.trials]
    candidates = _candidates(told)
    if not candidates:
        return []
    asked = encoded([trial for _, trial in candidates], domains)
    worth = np.array([_guesses(past.trials, asked, domains) for past in told])
    chosen: list[int] = []
    choices: list[Choice] = []
    while len(chosen) < min(size, len(candidates)):
        number = _next(worth, chosen)
        past, trial = candidates[number]
        why = _why([one.name for one in told], _gains(worth, chosen, number), is_first=not chosen)
        reason = f"scored {trial.score:.4f}, {why}"
        choices.append(Choice(trial.values, f"{past.name}/{trial.name}", reason))
        chosen.append(number)
    return choices


def _candidates(pasts: Sequence[Past]) -> list[tuple[Past, Tried]]:
    """Return the best trials of each experiment that have values; equal ones once."""
    found: dict[frozenset[tuple[str, Value]], tuple[Past, Tried]] = {}
    for past in pasts:
        with_values = [trial for trial in past.trials if trial.values]
        best_first = sorted(with_values, key=lambda trial: -trial.score)
        for trial in best_first[:CANDIDATES]:
            found.setdefault(frozenset(trial.values.items()), (past, trial))
    return list(found.values())


def _guesses(known: Sequence[Tried], asked: Numbers, domains: Domains) -> Numbers:
    """Return (trees, asked): what trials are worth in the experiment whose trials are ``known``.

    Each tree of a forest (Geurts et al. 2006, "Extremely randomized trees") guesses for itself: all
    agree on a known trial, and differ the more the less is known.
    """
    forest = ExtraTreesRegressor(TREES, random_state=0).fit(encoded(known, domains), ranked(known))
    return np.array([tree.predict(asked) for tree in forest.estimators_])


def ranked(trials: Sequence[Tried]) -> Numbers:
    """Return log(trials / rank): scores of different experiments compare only by their order."""
    ranks = rankdata([-trial.score for trial in trials])
    return np.log(len(trials) / ranks)


def _next(worth: Numbers, chosen: Sequence[int]) -> int:
    """Return the candidate that adds most to the best of those chosen, on average.

    ``worth`` has the shape (experiments, trees, candidates).
    """
    means = np.maximum(worth, _reached(worth, chosen)).mean((0, 1)).round(DECIMALS)
    means[list(chosen)] = -np.inf
    equals = np.flatnonzero(means == means.max())
    return int(equals[worth[..., equals].mean((0, 1)).argmax()])


def _reached(worth: Numbers, chosen: Sequence[int]) -> Numbers:
    return worth[..., list(chosen)].max(-1, keepdims=True, initial=0.0)


def _gains(worth: Numbers, chosen: Sequence[int], number: int) -> Numbers:
    """Return what a candidate adds in each experiment to the best of those chosen."""
    reached = _reached(worth, chosen)
    return (np.maximum(worth[..., [number]], reached) - reached).mean((1, 2)).round(DECIMALS)


def _why(names: Sequence[str], gains: Numbers, *, is_first: bool) -> str:
    gaining = [names[int(i)] for i in np.argsort(-gains, kind="stable") if gains[i] > 0]
    if is_first:
        return f"best over {_listed(names)}"
    return f"adds most in {_listed(gaining)}" if gaining else "the next best"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def encoded(trials: Sequence[Tried], domains: Domains) -> Numbers:
    """Return (trials, columns): ranges from 0 to 1, a column a choice, and one for having none."""
    return np.array(
        [
            [n for path in domains for n in _numbers(trial.values.get(path, _NONE), domains[path])]
            for trial in trials
        ]
    )


def _numbers(value: object, distributions: Sequence[BaseDistribution]) -> Iterator[float]:
    ranges = [one for one in distributions if isinstance(one, FloatDistribution | IntDistribution)]
    listed = [one for one in distributions if isinstance(one, CategoricalDistribution)]
    yield float(value is _NONE)
    for choice in dict.fromkeys(choice for one in listed for choice in one.choices):
        yield float(value == choice)
    if ranges:
        yield _share(value, ranges)


def _share(value: object, ranges: Sequence[FloatDistribution | IntDistribution]) -> float:
    """Return how far up its range a number lies; the middle for what is no number."""
    low, high = min(one.low for one in ranges), max(one.high for one in ranges)
    if not isinstance(value, int | float) or low == high:
        return 0.5
    if all(one.log for one in ranges):
        low, value, high = math.log(low), math.log(value), math.log(high)
    return (value - low) / (high - low)
