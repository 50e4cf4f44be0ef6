"""What do the seven images of a person say together, of gender, age and swapped images?

Gender and age are facts of a person, so all images of one vote. That normal and incorrect_mask were
swapped is a fact of two images, asked as one question of the pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trainable.labels import decode, task_probabilities

Kind = Literal["gender", "age", "swapped"]
TASK_OF_KIND: Mapping[Kind, str] = {"gender": "gender", "age": "age", "swapped": "mask"}
INCORRECT, NOT_WORN = 1, 2
"""The mask classes of incorrect_mask and normal."""
SMALLEST = 1e-3
"""Probabilities below it count as it: networks are surer than they are right."""
PARTS = 5
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What M networks say of P persons: log odds (P, F) and the ``labels`` (P,) as given.

    Of swapped images each pair stands there twice, in both orders, with the labels 1 and 0.
    """

    kind: Kind
    persons: list[str]
    labels: NDArray[np.int64]
    log_odds: Numbers

    def probabilities(self) -> Numbers | None:
        """Return the probabilities (P, K) of the labels, of each person without its own label.

        A logistic regression on the log odds weighs the networks and says how sure they may be;
        cross-validated over persons. None where a label has fewer than two persons.
        """
        groups = pd.factorize(np.asarray(self.persons))[0]
        counts = np.unique(self.labels, return_counts=True)[1]
        if len(counts) < 2 or counts.min() < 2:
            return None
        parts = StratifiedGroupKFold(min(PARTS, *counts), shuffle=True, random_state=0)
        # The odds of a pair in the other order are their negatives: no constant may be added.
        is_mirrored = self.kind == "swapped"
        model = make_pipeline(
            StandardScaler(with_mean=not is_mirrored),
            LogisticRegression(fit_intercept=not is_mirrored),
        )
        return np.asarray(
            cross_val_predict(
                model, self.log_odds, self.labels, groups=groups, cv=parts, method="predict_proba"
            )
        )


def gather(kind: Kind, stack: Sequence[NDArray[np.floating]], images: pd.DataFrame) -> Evidence:
    """Return what probabilities (N, 18) of each of M networks say of the persons of N images.

    ``images`` has the columns person and label (the joint class as given), row by row.
    """
    task = TASK_OF_KIND[kind]
    logs = [np.log(np.maximum(task_probabilities(one)[task], SMALLEST)) for one in stack]
    return _of_pairs(logs, images) if kind == "swapped" else _of_persons(kind, logs, images)


def _of_persons(kind: Kind, logs: Sequence[Numbers], images: pd.DataFrame) -> Evidence:
    """Mean log odds over a person's images, against the first class."""
    codes, persons = pd.factorize(images["person"])
    odds = np.concatenate([one[:, 1:] - one[:, :1] for one in logs], axis=1)
    means = pd.DataFrame(odds).groupby(codes).mean().to_numpy(np.float64)
    first = np.unique(codes, return_index=True)[1]
    labels = decode(images["label"].to_numpy(np.int64)[first])[TASK_OF_KIND[kind]]
    return Evidence(kind, [str(one) for one in persons], labels, means)


def _of_pairs(logs: Sequence[Numbers], images: pd.DataFrame) -> Evidence:
    """Log-likelihood of a pair as labelled, against that of the pair swapped."""
    masks = decode(images["label"].to_numpy(np.int64))["mask"]
    place = pd.Series(np.arange(len(images)), index=images["person"].to_numpy())
    normal, incorrect = (place[masks == mask] for mask in (NOT_WORN, INCORRECT))
    persons = [str(one) for one in normal.index if one in incorrect.index]
    pair = normal[persons].to_numpy(), incorrect[persons].to_numpy()
    odds = np.stack([_bareness(one[pair[0]]) - _bareness(one[pair[1]]) for one in logs], axis=1)
    labels = np.repeat(np.array([1, 0]), len(persons))
    return Evidence("swapped", persons * 2, labels, np.concatenate([odds, -odds]))


def _bareness(logs: Numbers) -> Numbers:
    return logs[:, NOT_WORN] - logs[:, INCORRECT]
