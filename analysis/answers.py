"""Which class did a trial give each image? And what would its answers have scored elsewhere?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.predictions import read_validation
from analysis.results import Trial
from trainable.resampling import RESAMPLES, Scores, resampled_scores


@dataclass(frozen=True)
class Answers:
    """The out-of-fold ``classes`` (N,) of images by ascending ``rows`` (N,), and their tasks.

    Answers with equal keys are of the same images and for the same tasks: these compare.
    """

    rows: NDArray[np.int32]
    classes: NDArray[np.integer[Any]]
    tasks: tuple[str, ...]

    @property
    def key(self) -> tuple[tuple[str, ...], bytes]:
        """What answers that compare have in common."""
        return self.tasks, self.rows.tobytes()


def read_answers(trial: Trial, images: pd.DataFrame) -> Answers:
    """Return what a trial answered out-of-fold; UserError where that cannot be read."""
    found = read_validation([trial], images)
    return Answers(found.rows, found.stack[0].argmax(axis=1), trial.tasks)


def resampled_answers(
    answers: Sequence[Answers], images: pd.DataFrame, resamples: int = RESAMPLES
) -> Scores:
    """Return (R, M): what M answers with equal keys would have scored on R draws of persons."""
    judged = images.loc[answers[0].rows]
    labels, persons = judged["label"].to_numpy(), judged["person"].to_numpy()
    classes = [one.classes for one in answers]
    return resampled_scores(labels, persons, classes, answers[0].tasks, resamples)
