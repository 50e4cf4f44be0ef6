"""What will an ensemble score on the eval images? An interval for other persons, not for these."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.evidence import Classes
from trainable.comparison import interval
from trainable.labels import MASK_OF_IMAGE
from trainable.metrics import macro_f1
from trainable.resampling import resampled_scores


def expected_interval(
    labels: Classes, persons: NDArray[Any], answers: Classes, images: int
) -> tuple[float, float]:
    """Return between what 95 % of macro-F1 on so many other ``images`` are expected to lie.

    Two sets of persons are drawn: those that ``answers`` (N,) were scored on, and the others, seven
    images each. Few of either make the interval wide. Other shares of classes and other cameras are
    no part of it.
    """
    people = max(1, round(images / len(MASK_OF_IMAGE)))
    here = resampled_scores(labels, persons, [answers])[:, 0]
    there = resampled_scores(labels, persons, [answers], drawn=people)[:, 0]
    low, high = interval(macro_f1(labels, answers) + there - here)
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))
