"""How sure are probabilities really? A temperature and a bias a class, fitted out-of-fold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from analysis.ensembles.evidence import Classes, Joint, logarithms

RIDGE = 1e-3
"""Keeps the bias of a class that never occurs finite."""
SHARPNESS_LIMITS = (0.05, 20.0)


@dataclass(frozen=True)
class Calibration:
    """``sharpness`` multiplies logarithms (1: as they are), ``bias`` (C,) is added to them."""

    sharpness: float
    bias: NDArray[np.float64]

    def __call__(self, probabilities: Joint) -> Joint:
        """Return calibrated probabilities (N, C)."""
        return softmax(self.sharpness * logarithms(probabilities) + self.bias, axis=-1)


def fitted_calibration(probabilities: Joint, labels: Classes) -> Calibration:
    """Return the calibration of probabilities (N, C) under which the labels (N,) are likeliest.

    Bias-corrected temperature scaling: of the calibrations that Alexandari et al. 2020
    (https://arxiv.org/abs/1901.06852) compared before EM, the one that did best.
    """
    logs, images = logarithms(probabilities), np.arange(len(labels))
    truth = np.eye(logs.shape[1])[labels]

    def loss(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares = softmax(numbers[0] * logs + numbers[1:], axis=-1)
        slope = (shares - truth) / len(labels)
        penalty = RIDGE * float(numbers[1:] @ numbers[1:])
        gradient = np.append((slope * logs).sum(), slope.sum(axis=0) + 2 * RIDGE * numbers[1:])
        return penalty - float(logarithms(shares[images, labels]).mean()), gradient

    start = np.append(1.0, np.zeros(logs.shape[1]))
    limits = [SHARPNESS_LIMITS, *[(None, None)] * logs.shape[1]]
    sharpness, *bias = minimize(loss, start, method="L-BFGS-B", jac=True, bounds=limits).x
    return Calibration(float(sharpness), np.array(bias))
