"""Would a corrected decision rule score better? Tried where the answers are known.

Half of the persons are what is known. The other half is drawn so that its gender and age shares are
those that the eval images are estimated to have, and its answers are only used for the score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.decision import NO_RULE, decide, fitted_rule
from analysis.ensembles.evidence import Classes, Joint
from analysis.shift.correction import ESTIMATED, fitted_share_model
from analysis.shift.shares import Shares
from trainable.comparison import interval
from trainable.labels import decode
from trainable.metrics import macro_f1

DRAWS = 40


@dataclass(frozen=True)
class Check:
    """The mean gain of macro-F1 over draws of persons, and between what 95 % of them lie."""

    gain: float
    low: float
    high: float

    @property
    def helps(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0


def check_correction(
    joint: Joint,
    labels: Classes,
    persons: NDArray[Any],
    shares: Mapping[str, Shares],
    *,
    has_rule: bool,
) -> Check:
    """Compare the corrected rule with the rule as it is, or with none, on persons drawn anew.

    ``joint`` (N, 18) are out-of-fold probabilities of images with these ``labels`` and ``persons``,
    and ``shares`` (C,) by task those to draw.
    """
    random = np.random.default_rng(0)
    codes = np.unique(persons, return_inverse=True)[1]
    gains = np.array([_gain(joint, labels, codes, shares, has_rule, random) for _ in range(DRAWS)])
    return Check(float(gains.mean()), *interval(gains))


def _gain(
    joint: Joint,
    labels: Classes,
    codes: Classes,
    shares: Mapping[str, Shares],
    has_rule: bool,
    random: np.random.Generator,
) -> float:
    half = random.permutation(codes.max() + 1)[: (codes.max() + 1) // 2]
    known = np.isin(codes, half)
    drawn = _drawn(np.flatnonzero(~known), labels, codes, shares, random)
    model = fitted_share_model(joint[known], labels[known])
    corrected = model.rule_for(model.estimate(joint[drawn]))
    usual = fitted_rule(joint[known], labels[known]) if has_rule else NO_RULE
    with_it, without = (
        macro_f1(labels[drawn], decide(joint[drawn], added)) for added in (corrected, usual)
    )
    return with_it - without


def _drawn(
    rows: Classes,
    labels: Classes,
    codes: Classes,
    shares: Mapping[str, Shares],
    random: np.random.Generator,
) -> Classes:
    """Draw as many persons as ``rows`` have, with all their images, to the wanted shares."""
    people, first = np.unique(codes[rows], return_index=True)
    traits = decode(labels[rows[first]])
    have = {task: np.bincount(traits[task], minlength=len(shares[task])) for task in ESTIMATED}
    odds = np.prod(
        [shares[task][traits[task]] / have[task][traits[task]] for task in ESTIMATED], axis=0
    )
    chosen = random.choice(people, len(people), p=odds / odds.sum())
    return np.concatenate([rows[codes[rows] == person] for person in chosen])
