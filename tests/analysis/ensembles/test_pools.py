"""Pools are worked out by hand, and take no notice of the order of trials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ensembles.pools import hard_pool, log_pool, rank_pool, soft_pool

POOLS = (soft_pool, hard_pool, log_pool, rank_pool)


def one_image(*trials: list[float]) -> np.ndarray:
    return np.array(trials)[:, np.newaxis]


def random_stack(trials: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(18), (trials, 6))


def test_soft_pool_is_the_arithmetic_mean():
    assert soft_pool(one_image([0.8, 0.2], [0.4, 0.6]))[0] == pytest.approx([0.6, 0.4])


def test_log_pool_is_the_geometric_mean_made_to_sum_to_one():
    found = log_pool(one_image([0.8, 0.1, 0.1], [0.2, 0.4, 0.4]))[0]
    assert found == pytest.approx([0.5, 0.25, 0.25])


def test_hard_pool_answers_what_most_trials_put_first():
    assert hard_pool(one_image([0.4, 0.6], [0.4, 0.6], [1.0, 0.0]))[0].argmax() == 1


@given(st.integers(0, 1000))
def test_log_pool_of_one_trial_is_that_trial(seed):
    stack = random_stack(1, seed)
    assert log_pool(stack) == pytest.approx(stack[0], abs=1e-4)


def test_class_that_one_trial_rules_out_stays_out_of_the_log_pool_alone():
    stack = one_image([0.0, 0.4, 0.6], [0.9, 0.06, 0.04])
    assert log_pool(stack)[0, 0] < 0.01
    assert soft_pool(stack)[0].argmax() == 0


def test_rank_pool_is_bordas_count():
    """Ranks 3 2 1, 3 1 2 and 1 3 2: counts 7, 6 and 5, and less than one from the mean."""
    found = rank_pool(one_image([0.6, 0.3, 0.1], [0.5, 0.2, 0.3], [0.1, 0.7, 0.2]))[0]
    counts = np.array([7, 6, 5]) + np.array([0.4, 0.4, 0.2]) / 2
    assert found == pytest.approx(counts / counts.sum())


def test_equal_counts_of_ranks_are_decided_by_the_mean():
    found = rank_pool(one_image([0.6, 0.4], [0.1, 0.9]))[0]
    assert found.argmax() == 1


@given(st.integers(1, 6), st.integers(0, 1000))
def test_mean_never_overcomes_one_rank_of_one_trial(trials, seed):
    stack = random_stack(trials, seed)
    counts = (stack.argsort(axis=-1).argsort(axis=-1) + 1).sum(axis=0)
    answers = rank_pool(stack).argmax(axis=1)
    assert np.array_equal(counts[np.arange(6), answers], counts.max(axis=1))


@pytest.mark.parametrize("pool", POOLS)
@given(st.integers(1, 5), st.integers(0, 1000))
def test_pool_is_a_distribution_whatever_the_order_of_trials(pool, trials, seed):
    stack = random_stack(trials, seed)
    assert pool(stack).sum(axis=1) == pytest.approx(np.ones(6))
    assert pool(stack[::-1]) == pytest.approx(pool(stack))
