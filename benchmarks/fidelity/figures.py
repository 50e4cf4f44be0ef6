"""What do all searches come to? Means over orders, and differences that persons vouch for."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from benchmarks.fidelity.contenders import BOTH, IN_TURN, ONE, PROMOTE, STOP, TOGETHER, Contender
from benchmarks.fidelity.plays import Choice, Choices, Order
from benchmarks.fidelity.recorded import Recording, Trained
from benchmarks.schedulers.figures import CERTAIN, Estimate
from trainable.comparison import CONFIDENCE
from trainable.labels import CLASS_COUNT

RESAMPLES, HALVES = 1000, 200
AT_ONCE = 50
"""Resamples held in memory together."""
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Line:
    """How one contender does with one budget; worths are macro-F1 of held-out persons."""

    contender: Contender
    worth: Estimate
    """Of the networks that the search ends with."""
    whole: Estimate
    """Of the chosen configuration, were all its folds trained to their end."""
    regret: Estimate
    """Of the worth, against the best configuration of the pool, all its folds trained."""
    cost: float
    trials: float


@dataclass(frozen=True)
class Comparison:
    """How much more the choices of one contender are worth than another's, in the same orders."""

    title: str
    difference: Estimate
    interval: tuple[float, float]
    """95 %, from resampling the held-out persons: of these searches over these configurations."""
    configurations: float
    """Standard error over configurations, by leaving each out; nan where the pool is all."""

    @property
    def verdict(self) -> str:
        """What both persons and configurations vouch for."""
        low, high = self.interval
        is_luck = low <= 0 <= high or math.isnan(self.configurations)
        if is_luck or abs(self.difference.mean) <= CERTAIN * self.configurations:
            return "cannot tell"
        return "better" if low > 0 else "worse"


COMPARED: Sequence[tuple[str, Contender, Contender]] = (
    *(
        (f"{name} - together, {rule}", Contender(fidelity, rule), Contender(TOGETHER, rule))
        for fidelity, name in ((IN_TURN, "in turn"), (BOTH, "both"), (ONE, "one fold"))
        for rule in (STOP, PROMOTE)
    ),
    *(
        (f"promote - stop, {name}", Contender(fidelity, PROMOTE), Contender(fidelity, STOP))
        for fidelity, name in (
            (TOGETHER, "together"),
            (IN_TURN, "in turn"),
            (BOTH, "both"),
            (ONE, "one fold"),
        )
    ),
)
"""Title, second and first of each comparison: the second minus the first."""


def make_lines(choices: Choices, orders: Sequence[Order], limit: int) -> list[Line]:
    """Return a line for each contender with one budget."""
    best = [max(one.whole_worth() for one in order.pool) for order in orders]
    return [
        make_line(contender, chosen, orders, best)
        for (spent, contender), chosen in choices.items()
        if spent == limit
    ]


def make_line(
    contender: Contender, chosen: Sequence[Choice], orders: Sequence[Order], best: Sequence[float]
) -> Line:
    """Return a contender's line; ``best`` is what the best of each pool is worth."""
    known = by_name(orders)
    worths = np.array([worth(known, choice) for choice in chosen])
    wholes = [known[choice.networks.configuration].whole_worth() for choice in chosen]
    return Line(
        contender=contender,
        worth=mean_of(worths),
        whole=mean_of(wholes),
        regret=mean_of(np.array(best) - worths),
        cost=float(np.mean([choice.cost for choice in chosen])),
        trials=float(np.mean([choice.trials for choice in chosen])),
    )


def compare(choices: Choices, orders: Sequence[Order], limit: int) -> list[Comparison]:
    """Return all comparisons with one budget."""
    known = by_name(orders)
    used = {choice.networks: None for chosen in choices.values() for choice in chosen}
    places = {networks: place for place, networks in enumerate(used)}
    resampled = person_worths([*used], known, person_weights(known))
    found: list[Comparison] = []
    for title, second, first in COMPARED:
        pair = choices[limit, second], choices[limit, first]
        shares = np.zeros(len(used))
        for side, sign in zip(pair, (1, -1), strict=True):
            np.add.at(shares, [places[one.networks] for one in side], sign / len(orders))
        ours, others = (np.array([worth(known, one) for one in side]) for side in pair)
        difference = ours - others
        error = error_over_configurations(difference, orders)
        found.append(Comparison(title, mean_of(difference), middle(resampled @ shares), error))
    return found


def middle(values: Floats) -> tuple[float, float]:
    """Return between which two values 95 % lie: the percentile bootstrap's interval."""
    edge = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, (edge, 100 - edge))
    return float(low), float(high)


def error_over_configurations(values: Floats, orders: Sequence[Order]) -> float:
    """Return the jackknife's standard error of the mean (Efron & Stein 1981).

    The orders whose pool lacks a configuration are a sample of what would be without it.
    """
    pools = [{one.name for one in order.pool} for order in orders]
    names = sorted(set.union(*pools))
    lacking = [np.array([name not in pool for pool in pools]) for name in names]
    if not all(lacks.any() for lacks in lacking):
        return math.nan
    means = np.array([values[lacks].mean() for lacks in lacking])
    return float(np.sqrt((len(names) - 1) * means.var()))


def worth(known: Mapping[str, Recording], choice: Choice) -> float:
    """Return what a choice's networks are worth on the held-out persons."""
    return known[choice.networks.configuration].worth(choice.networks)


def by_name(orders: Sequence[Order]) -> dict[str, Recording]:
    """Return all recordings of the pools by their names."""
    return {one.name: one for order in orders for one in order.pool}


def mean_of(values: Sequence[float] | Floats) -> Estimate:
    """Return a mean over orders and its standard error; one order has no error."""
    error = np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(float(np.mean(values)), float(error))


def person_weights(known: Mapping[str, Recording]) -> Floats:
    """Return (resamples, persons): how often each held-out person is drawn."""
    persons = len(np.unique(next(iter(known.values())).held_out.persons))
    random = np.random.default_rng(0)
    return random.multinomial(persons, np.full(persons, 1 / persons), RESAMPLES).astype(np.float32)


def person_worths(
    networks: Sequence[Trained], known: Mapping[str, Recording], weights: Floats
) -> Floats:
    """Return (weightings, networks): the macro-F1 where persons count ``weights`` times.

    It is the mean over the classes that occur, as trainable.metrics.macro_f1.
    """
    counts = np.stack([class_counts(known[one.configuration], one) for one in networks])
    found: list[Floats] = []
    for start in range(0, len(weights), AT_ONCE):
        drawn = np.tensordot(weights[start : start + AT_ONCE], counts, axes=([1], [1]))
        true, guess, both = np.moveaxis(drawn, -2, 0)
        f1, occurs = 2 * both / np.maximum(true + guess, 1), true > 0
        found.append((f1 * occurs).sum(-1) / occurs.sum(-1))
    return np.concatenate(found)


def class_counts(one: Recording, networks: Trained) -> Floats:
    """Return (persons, 3, classes): of each held-out person the images true, guessed, both."""
    unit = np.eye(CLASS_COUNT, dtype=np.float32)
    true, guess = unit[one.held_out.labels], unit[one.answers(networks)]
    persons, codes = np.unique(one.held_out.persons, return_inverse=True)
    counts = np.zeros((len(persons), 3, CLASS_COUNT), np.float32)
    np.add.at(counts, codes, np.stack([true, guess, true * guess], axis=1))
    return counts


@dataclass(frozen=True)
class Ranking:
    """Kendall's tau between what some folds say by an epoch and the held-out worth."""

    folds: int
    epoch: int
    mean: float
    low: float
    high: float
    """Over all choices of so many folds."""


def rankings(
    recordings: Sequence[Recording], counts: Sequence[int], epochs: Sequence[int]
) -> Iterator[Ranking]:
    """Yield how well the best score so far of some folds ranks the configurations."""
    worths = [one.whole_worth() for one in recordings]
    for count in counts:
        for epoch in epochs:
            found = [
                tau([one.score(one.best(folds, epoch)) for one in recordings], worths)
                for folds in combinations(recordings[0].folds, count)
            ]
            yield Ranking(count, epoch, float(np.mean(found)), min(found), max(found))


def ranking_of_halves(recordings: Sequence[Recording]) -> float:
    """Return the mean tau between the worth on one half of the held-out persons and the other.

    So many persons rank no better than that.
    """
    known = {one.name: one for one in recordings}
    persons = len(np.unique(recordings[0].held_out.persons))
    random = np.random.default_rng(0)
    halves = np.array([random.permutation(persons) < persons // 2 for _ in range(HALVES)])
    networks = [one.best(one.folds) for one in recordings]
    first, second = (
        person_worths(networks, known, half.astype(np.float32)) for half in (halves, ~halves)
    )
    return float(np.mean([tau(one, other) for one, other in zip(first, second, strict=True)]))


def tau(one: Sequence[float] | Floats, other: Sequence[float] | Floats) -> float:
    """Return Kendall's rank correlation."""
    found: Any = kendalltau(one, other)  # scipy says no type
    return float(found.statistic)
