"""Which class is answered? Not always the most probable: macro-F1 asks more often for rare ones.

A decision rule adds a number to the logarithm of each class's probability: one for each mask,
gender and age class, 3 + 2 + 3 of them, so that a rare combination needs no number of its own.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from analysis.ensembles.evidence import Classes, Joint, logarithms
from trainable.labels import CLASS_COUNT, TASK_CLASSES, TASK_SIZES, TASKS, decode

Floats = NDArray[np.floating[Any]]
RIDGE = 0.005
"""Macro-F1 that a number of 1 costs: keeps small data from bending the rule far."""
TEMPERATURES = (1.0, 0.5, 0.25)
"""Each search starts where a smoother one ended."""
LEAST = 1e-12
EQUAL = np.ones(CLASS_COUNT)
NO_RULE = np.zeros(CLASS_COUNT)
MEMBERSHIP = np.concatenate(
    [
        decode(np.arange(CLASS_COUNT))[task] == np.arange(size)[:, np.newaxis]
        for task, size in zip(TASKS, TASK_SIZES, strict=True)
    ]
).astype(float)
"""(8, 18): which of the 8 numbers a class takes."""


def decide(joint: Joint, added: Floats) -> Classes:
    """Return the class (N,) of each image: the largest logarithm after ``added`` (18,)."""
    return (logarithms(joint) + added).argmax(axis=-1)


def rule_sentence(added: Floats) -> str:
    """Return what a rule (18,) adds for each gender and age class, masks worn being 0, as text."""
    cube = added.reshape(TASK_SIZES)
    parts = {"mask": cube[:, 0, 0], "gender": cube[0, :, 0], "age": cube[0, 0, :]}
    return ", ".join(
        f"{name} {number - numbers[0]:+.2f}"
        for task, numbers in parts.items()
        for name, number in zip(TASK_CLASSES[task], numbers, strict=True)
    )


def fitted_rule(joint: Joint, labels: Classes, weights: Floats = EQUAL) -> Floats:
    """Return the numbers (18,) to add that raise the macro-F1 of ``joint`` (N, 18) the most.

    ``weights`` (18,) say how much an image of each class counts: above 1 where it will be more
    frequent than among the ``labels`` (N,). The F1 of shares instead of counts has a gradient, and
    stands for that of counts the better the sharper the shares are. On few persons it generalises
    better than an exact search over the counts, which follows every image (LOG.md has both).
    """
    logs, truth = logarithms(joint), np.eye(CLASS_COUNT)[labels]
    counts = weights[labels][:, np.newaxis]
    numbers = np.zeros(len(MEMBERSHIP))
    for temperature in TEMPERATURES:
        given = (logs / temperature, truth, counts, temperature)
        numbers = minimize(_loss, numbers, given, "L-BFGS-B", jac=True).x
    return numbers @ MEMBERSHIP


def _loss(
    numbers: Floats, logs: Floats, truth: Floats, counts: Floats, temperature: float
) -> tuple[float, Floats]:
    """Return the negative F1 of shares, with the ridge, and its gradient by the numbers."""
    shares = softmax(logs + numbers @ MEMBERSHIP / temperature, axis=-1)
    true, hits = (counts * truth).sum(axis=0), (counts * shares * truth).sum(axis=0)
    both = np.maximum(true + (counts * shares).sum(axis=0), LEAST)
    occurs = (true > 0) / (true > 0).sum()
    slope = 2 * occurs * counts * (truth - hits / both) / both
    inner = shares * (slope - (shares * slope).sum(axis=-1, keepdims=True))
    gradient = MEMBERSHIP @ inner.sum(axis=0) / temperature
    loss = -float((2 * occurs * hits / both).sum()) + RIDGE * float(numbers @ numbers)
    return loss, 2 * RIDGE * numbers - gradient
