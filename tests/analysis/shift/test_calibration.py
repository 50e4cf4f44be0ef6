"""Calibration finds the temperature and the bias that spoilt exact probabilities."""

import numpy as np
import pytest
from made_up import SHARES, seen
from scipy.special import softmax

from analysis.ensembles.evidence import logarithms
from analysis.shift.calibration import fitted_calibration

SHARE = SHARES["age"]


def exact(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.choice(3, images, p=SHARE)
    return seen(labels, SHARE, 1.5, random), labels


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_known_temperature_and_bias_are_undone(temperature):
    true, labels = exact(4000, 0)
    bias = np.array([0.0, 0.8, -0.5])
    found = fitted_calibration(softmax(logarithms(true) / temperature + bias, axis=1), labels)
    assert found.sharpness == pytest.approx(temperature, rel=0.1)
    undone = -temperature * bias
    assert found.bias - found.bias.mean() == pytest.approx(undone - undone.mean(), abs=0.2)


def test_calibrated_probabilities_are_near_the_exact_ones_also_of_new_images():
    true, labels = exact(4000, 0)
    other, _ = exact(500, 1)
    spoilt = [softmax(2 * logarithms(one) + [1, 0, 0], axis=1) for one in (true, other)]
    found = fitted_calibration(spoilt[0], labels)(spoilt[1])
    assert np.abs(spoilt[1] - other).mean() > 0.08
    assert np.abs(found - other).mean() < 0.02


def test_exact_probabilities_stay_as_they_are():
    true, labels = exact(4000, 2)
    found = fitted_calibration(true, labels)
    assert found.sharpness == pytest.approx(1, abs=0.1)
    assert np.ptp(found.bias) < 0.25


def test_class_that_never_occurs_gets_little_and_stays_finite():
    true, labels = exact(400, 3)
    found = fitted_calibration(true[labels < 2], labels[labels < 2])
    assert np.isfinite(found.bias).all()
    assert found(true)[:, 2].mean() < 0.02
