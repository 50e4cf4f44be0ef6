"""Which gender and age shares do the eval persons have, and what decision rule follows?

Macro-F1 is not accuracy: multiplying probabilities by a ratio of shares, which is right for
accuracy, lowered it on real faces (LOG.md). What is corrected is therefore the decision rule: it is
fitted again, with images counted as often as their class is expected among the eval images.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.ensembles.decision import EQUAL, Floats, fitted_rule
from analysis.ensembles.evidence import Classes, Joint
from analysis.shift.calibration import Calibration, fitted_calibration
from analysis.shift.shares import Shares, estimated_shares
from trainable.labels import (
    CLASS_COUNT,
    MASK_OF_IMAGE,
    TASK_CLASSES,
    decode,
    task_probabilities,
)

ESTIMATED = ("gender", "age")
"""Tasks whose shares are estimated; those of masks are known."""
MASK_SHARES = np.bincount(list(MASK_OF_IMAGE.values())) / len(MASK_OF_IMAGE)
"""Each person has five images with a mask, one with a mask worn incorrectly, and one without."""


@dataclass(frozen=True)
class ShareModel:
    """What is known out-of-fold of ``joint`` (N, 18): true classes, their shares, calibrations."""

    joint: Joint
    labels: Classes
    shares: Mapping[str, Shares]
    calibrations: Mapping[str, Calibration]

    def estimate(self, joint: Joint) -> dict[str, Shares]:
        """Return the shares (C,) of each task's classes among the images of ``joint`` (N, 18)."""
        said = task_probabilities(joint)
        estimated = {
            task: estimated_shares(self.calibrations[task](said[task]), self.shares[task])
            for task in ESTIMATED
        }
        return {"mask": MASK_SHARES, **estimated}

    def rule_for(self, shares: Mapping[str, Shares]) -> Floats:
        """Return the decision rule (18,) for images with these shares of some tasks.

        Of the other tasks the shares are taken to be as they are known.
        """
        parts = decode(np.arange(CLASS_COUNT))
        ratios = [(shares[task] / self.shares[task])[parts[task]] for task in shares]
        return fitted_rule(self.joint, self.labels, np.prod(ratios, axis=0, initial=1.0) * EQUAL)


def fitted_share_model(joint: Joint, labels: Classes) -> ShareModel:
    """Fit the model to out-of-fold probabilities (N, 18) and true classes (N,)."""
    truth, said = decode(labels), task_probabilities(joint)
    return ShareModel(
        joint,
        labels,
        {task: _shares(truth[task], task) for task in truth},
        {task: fitted_calibration(said[task], truth[task]) for task in ESTIMATED},
    )


def _shares(labels: Classes, task: str) -> Shares:
    """Return the shares (C,) of classes; one that does not occur counts half an image."""
    counts = np.maximum(np.bincount(labels, minlength=len(TASK_CLASSES[task])), 0.5)
    return counts / counts.sum()
