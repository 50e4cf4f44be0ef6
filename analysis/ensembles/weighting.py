"""How much does each trial's word weigh? Weights of a logarithmic pool, fitted by likelihood."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from analysis.ensembles.evidence import Classes, Joint, Stack, logarithms

Floats = NDArray[np.floating[Any]]
RIDGE = 0.1
"""Draws the weights to equal ones; a difference of 1 costs so much of a mean log-likelihood."""


def weighted_log_pool(stack: Stack, weights: Floats) -> Joint:
    """Return softmax(sum over trials of weight * log probability), (N, 18)."""
    return softmax(np.tensordot(weights, logarithms(stack), 1), axis=-1)


def fitted_weights(stack: Stack, labels: Classes) -> NDArray[np.float64]:
    """Return the weights (M,), none negative, with the highest penalised likelihood of the labels.

    They need not sum to 1: a larger sum sharpens, as a temperature below 1 does. The problem is
    convex (Genest & Zidek 1986 on pools; it is a logistic regression with one number a trial).
    """
    logs, equal = logarithms(stack), np.full(len(stack), 1 / len(stack))
    own = logs[:, np.arange(len(labels)), labels]

    def loss(weights: Floats) -> tuple[float, Floats]:
        mixed = np.tensordot(weights, logs, 1)
        shares = softmax(mixed, axis=-1)
        said = np.log(shares[np.arange(len(labels)), labels])
        slope = np.tensordot(logs, shares, 2) - own.sum(axis=1)
        apart = weights - equal
        penalty = RIDGE * float(apart @ apart)
        return penalty - float(said.mean()), slope / len(labels) + 2 * RIDGE * apart

    limits = [(0, None)] * len(stack)
    return minimize(loss, equal, method="L-BFGS-B", jac=True, bounds=limits).x
