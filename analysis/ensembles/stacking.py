"""What do a trial's probabilities mean, read together with the others'? Stacking, task by task."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from analysis.ensembles.evidence import Classes, Joint, Stack, logarithms
from trainable.labels import TASK_CLASSES, TASKS, decode, join_tasks, task_probabilities

Model = Pipeline | DummyClassifier
STRENGTH = 0.01
"""Inverse penalty of the regressions: many inputs say the same."""


def fitted_stacking(stack: Stack, labels: Classes) -> Callable[[Stack], Joint]:
    """Return what turns probabilities of these trials into joint ones (N, 18) (Wolpert 1992).

    Mask, gender and age each have a logistic regression on the log-probabilities that all trials
    give to all tasks. A class that does not occur among ``labels`` gets no probability.
    """
    inputs = _inputs(stack)
    models = {task: _model(part).fit(inputs, part) for task, part in decode(labels).items()}

    def combine(others: Stack) -> Joint:
        known = _inputs(others)
        return join_tasks({task: _answers(models[task], known, task) for task in TASKS})

    return combine


def _model(labels: Classes) -> Model:
    if len(np.unique(labels)) == 1:
        return DummyClassifier()  # a regression needs two classes
    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, solver="newton-cholesky"))


def _inputs(stack: Stack) -> NDArray[np.floating[Any]]:
    """Return (N, 8 M): of each trial the logarithms of its mask, gender and age probabilities."""
    return logarithms(
        np.concatenate([part for one in stack for part in task_probabilities(one).values()], axis=1)
    )


def _answers(model: Model, inputs: NDArray[np.floating[Any]], task: str) -> Joint:
    answers = np.zeros((len(inputs), len(TASK_CLASSES[task])))
    answers[:, model.classes_] = model.predict_proba(inputs)
    return answers
