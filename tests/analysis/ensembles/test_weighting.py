"""Fitted weights trust the trial that knows, are never negative, and cannot be bettered."""

import numpy as np
import pytest
from made_up import made_up

from analysis.ensembles.pools import log_pool
from analysis.ensembles.weighting import RIDGE, fitted_weights, weighted_log_pool


def penalised_loss(weights: np.ndarray, stack: np.ndarray, labels: np.ndarray) -> float:
    said = weighted_log_pool(stack, weights)[np.arange(len(labels)), labels]
    apart = weights - 1 / len(stack)
    return float(-np.log(said).mean() + RIDGE * apart @ apart)


def test_equal_weights_are_the_log_pool():
    stack = made_up().stack
    assert weighted_log_pool(stack, np.full(3, 1 / 3)) == pytest.approx(log_pool(stack))


def test_informative_trial_weighs_more():
    known = made_up(persons=40, apart=(0.3, 2.0, 0.3))
    weights = fitted_weights(known.stack, known.labels)
    assert weights[1] > 2 * max(weights[0], weights[2])


def test_trial_that_is_always_wrong_gets_nothing():
    known = made_up(persons=40, apart=(2.0, 2.0))
    known.stack[1] = np.roll(known.stack[1], 1, axis=1)
    weights = fitted_weights(known.stack, known.labels)
    assert weights[1] == 0
    assert weights[0] > 0


@pytest.mark.parametrize("seed", range(3))
def test_no_change_of_the_weights_makes_the_labels_likelier(seed):
    known = made_up(apart=(1.0, 2.0, 0.5), seed=seed)
    weights = fitted_weights(known.stack, known.labels)
    least = penalised_loss(weights, known.stack, known.labels)
    changes = np.random.default_rng(seed).normal(0, 0.05, (40, 3))
    others = np.maximum(weights + changes, 0)
    assert min(penalised_loss(one, known.stack, known.labels) for one in others) > least - 1e-6


def test_trials_that_say_the_same_weigh_the_same():
    known = made_up(apart=(1.5,))
    weights = fitted_weights(np.tile(known.stack, (3, 1, 1)), known.labels)
    assert weights == pytest.approx(np.full(3, weights[0]), abs=1e-4)
