"""How good are predictions? The competition's score and its parts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import accuracy_score, f1_score

from trainable.labels import TASKS, decode
from trainable.metric_names import SCORE


def macro_f1(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean F1 over the classes that occur in ``labels``; both have shape (N,)."""
    present = np.unique(np.asarray(labels))
    # scikit-learn's stub says str; the documented 0 avoids a warning for classes never predicted.
    never_predicted: Any = 0
    return float(
        f1_score(labels, predicted, labels=present, average="macro", zero_division=never_predicted)
    )


def scores(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], tasks: Sequence[str] = TASKS
) -> dict[str, float]:
    """Return the metrics of ``METRICS`` for joint classes (N,), as far as ``tasks`` allow.

    A model that answers only some of the tasks has no joint class: it gets theirs alone.
    """
    found: dict[str, float] = {}
    if len(tasks) == len(TASKS):
        found[SCORE] = macro_f1(labels, predicted)
        found["accuracy"] = float(accuracy_score(labels, predicted))
    true_parts, predicted_parts = decode(labels), decode(predicted)
    for task in tasks:
        found[f"{task}_f1"] = macro_f1(true_parts[task], predicted_parts[task])
        found[f"{task}_accuracy"] = float(np.mean(true_parts[task] == predicted_parts[task]))
    return found
