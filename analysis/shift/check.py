"""Would a corrected decision rule score better? Tried where the answers are known.

Half of the persons are what is known. The other half is drawn so that its shares lie anywhere
between the known ones and those that the eval images are estimated to have: an estimate that is
wrong must not pass because the check believed it. The true classes of that half are only used for
the score.
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

DRAWS = 40


@dataclass(frozen=True)
class Check:
    """What came of the draws of persons.

    ``gain`` is the mean difference of macro-F1, with the interval of 95 % of the draws; ``error``
    by how much a class's estimated share was off, in the mean.
    """

    gain: float
    low: float
    high: float
    error: float

    @property
    def helps(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0


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
    """Compare the rule that is corrected for a task with the rule as it is, or with none.

    ``shares`` (C,) of the task's classes are the farthest that persons are drawn to.
    """
    random = np.random.default_rng(0)
    found = [_draw(known, task, shares, has_rule, random) for _ in range(DRAWS)]
    gains, errors = np.array(found).T
    return Check(float(gains.mean()), *interval(gains), float(errors.mean()))


def _draw(
    known: Known, task: str, shares: Shares, has_rule: bool, random: np.random.Generator
) -> tuple[float, float]:
    """Return the gain of macro-F1 and the mean error of the estimated shares on one draw."""
    people = int(known.codes.max()) + 1
    is_known = np.isin(known.codes, random.permutation(people)[: people // 2])
    half = known.of(is_known)
    model = fitted_share_model(half.joint, half.labels)
    wanted = model.shares[task] + random.random() * (shares - model.shares[task])
    there = drawn(known.of(~is_known), task, wanted, random)
    estimated = model.estimate(there.joint)[task]
    usual = fitted_rule(half.joint, half.labels) if has_rule else NO_RULE
    corrected = model.rule_for({task: estimated})
    true = np.bincount(decode(there.labels)[task], minlength=len(shares)) / len(there.labels)
    return _score(there, corrected) - _score(there, usual), float(np.abs(estimated - true).mean())


def _score(one: Known, added: NDArray[np.floating[Any]]) -> float:
    return macro_f1(one.labels, decide(one.joint, added))


def drawn(known: Known, task: str, shares: Shares, random: np.random.Generator) -> Known:
    """Draw as many persons as there are, with all their images, to the wanted shares of a task."""
    people, first = np.unique(known.codes, return_index=True)
    classes = decode(known.labels[first])[task]
    odds = (shares / np.maximum(np.bincount(classes, minlength=len(shares)), 1))[classes]
    chosen = random.choice(people, len(people), p=odds / odds.sum())
    return known.of(np.concatenate([np.flatnonzero(known.codes == person) for person in chosen]))
