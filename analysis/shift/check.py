"""Would a corrected decision rule score better? Tried where the answers are known.

Half of the persons are what is known. The other half is drawn so that its shares are those that the
eval images are estimated to have, the known ones, and half way between: an estimate that is wrong
must not pass because the check believed it. The true classes of that half are only used for the
score.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.decision import NO_RULE, decide, fitted_rule
from analysis.ensembles.evidence import Classes, Joint
from analysis.shift.correction import fitted_share_model
from analysis.shift.shares import Shares
from trainable.comparison import interval
from trainable.labels import decode
from trainable.metrics import macro_f1

HALVES = 20
WAYS = (0.0, 0.5, 1.0)
"""How far of the way from the known to the estimated shares persons are drawn."""
MOST_LOST = 0.01
"""Macro-F1 that a correction may cost in the mean where nothing shifted."""


@dataclass(frozen=True)
class Check:
    """What came of the halves of persons.

    ``gain`` is the mean difference of macro-F1, with the interval of 95 % of the halves;
    ``unshifted`` what it is where the shares are as they were known, and ``error`` by how much a
    class's estimated share was off, in the mean.
    """

    gain: float
    low: float
    high: float
    unshifted: float
    error: float

    @property
    def helps(self) -> bool:
        """Whether the whole interval is above 0, and little is lost where nothing shifted."""
        return self.low > 0 and self.unshifted > -MOST_LOST


@dataclass(frozen=True)
class Known:
    """Out-of-fold probabilities ``joint`` (N, 18) of images, their classes and persons' numbers."""

    joint: Joint
    labels: Classes
    codes: Classes

    def of(self, rows: NDArray[Any]) -> "Known":
        """Return some of the images, by position or mask."""
        return Known(self.joint[rows], self.labels[rows], self.codes[rows])


def check_correction(known: Known, task: str, shares: Shares, *, has_rule: bool) -> Check:
    """Compare the rule that is corrected for a task with the rule as it is.

    ``shares`` (C,) of the task's classes are the farthest that persons are drawn to. Without a rule
    the better one of none and the uncorrected one is to be beaten: what any rule would gain is no
    gain of the correction.
    """
    random = np.random.default_rng(0)
    found = np.array([_half(known, task, shares, has_rule, random) for _ in range(HALVES)])
    gains, errors = np.moveaxis(found, 2, 0)
    low, high = interval(gains.mean(axis=1))
    unshifted = gains[:, WAYS.index(0.0)].mean()
    return Check(float(gains.mean()), low, high, float(unshifted), float(errors.mean()))


def _half(
    known: Known, task: str, shares: Shares, has_rule: bool, random: np.random.Generator
) -> list[tuple[float, float]]:
    """Fit to a half of the persons, draw from the other; return the gain and error of each way.

    Halves drawn at random spread as far as new persons would (the delete-half jackknife, Shao & Wu
    1989).
    """
    people = int(known.codes.max()) + 1
    is_known = np.isin(known.codes, random.permutation(people)[: people // 2])
    half, others = known.of(is_known), known.of(~is_known)
    model = fitted_share_model(half.joint, half.labels)
    rules = [fitted_rule(half.joint, half.labels), *([] if has_rule else [NO_RULE])]
    found: list[tuple[float, float]] = []
    for way in WAYS:
        wanted = model.shares[task] + way * (shares - model.shares[task])
        there = drawn(others, task, wanted, random)
        estimated = model.estimate(there.joint)[task]
        gain = _score(there, model.rule_for({task: estimated})) - max(
            _score(there, rule) for rule in rules
        )
        true = np.bincount(decode(there.labels)[task], minlength=len(shares)) / len(there.labels)
        found.append((gain, float(np.abs(estimated - true).mean())))
    return found


def _score(one: Known, added: NDArray[np.floating[Any]]) -> float:
    return macro_f1(one.labels, decide(one.joint, added))


def drawn(known: Known, task: str, shares: Shares, random: np.random.Generator) -> Known:
    """Draw as many persons as there are, with all their images, to the wanted shares of a task."""
    people, first = np.unique(known.codes, return_index=True)
    classes = decode(known.labels[first])[task]
    odds = (shares / np.maximum(np.bincount(classes, minlength=len(shares)), 1))[classes]
    chosen = random.choice(people, len(people), p=odds / odds.sum())
    return known.of(np.concatenate([np.flatnonzero(known.codes == person) for person in chosen]))
