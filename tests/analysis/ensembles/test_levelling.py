"""Levelling changes nothing where classes are predicted equally often, and undoes class weights."""

import numpy as np
import pytest
from made_up import made_up

from analysis.ensembles.levelling import levelled, levels
from trainable.labels import CLASS_COUNT, TASK_SIZES


def of_equal_shares() -> np.ndarray:
    """Return one trial's probabilities of 18 images in which each class has its turn."""
    values = np.random.default_rng(0).dirichlet(np.ones(CLASS_COUNT))
    return np.stack([np.roll(values, turn) for turn in range(CLASS_COUNT)])[np.newaxis]


def weighted_copy(stack: np.ndarray) -> np.ndarray:
    """Return the probabilities as if the loss had given classes of age the weights 1, 2 and 8."""
    weights = np.broadcast_to([1.0, 2.0, 8.0], TASK_SIZES).reshape(CLASS_COUNT)
    return stack * weights / (stack * weights).sum(axis=-1, keepdims=True)


def test_equal_shares_stay_as_they_are():
    stack = of_equal_shares()
    assert levelled(stack, levels(stack)) == pytest.approx(stack)


def test_class_weights_are_undone_in_part():
    plain = made_up(persons=60, apart=(1.5,)).stack
    weighted = weighted_copy(plain)
    apart = np.abs(plain - weighted).mean()
    after = [levelled(stack, levels(stack)) for stack in (plain, weighted)]
    assert apart > 0.01
    assert np.abs(after[0] - after[1]).mean() < 0.8 * apart


def test_level_takes_half_the_logarithm_of_each_tasks_share():
    """One image: worn, male and <30 have 0.9, 0.8 and 0.5, not worn, female and >=60 the rest."""
    cube = np.einsum("m,g,a->mga", [0.9, 0.04, 0.06], [0.8, 0.2], [0.5, 0.2, 0.3])
    [found] = levels(cube.reshape(1, 1, CLASS_COUNT))
    assert found[0] == pytest.approx(-np.log(0.9 * 0.8 * 0.5) / 2)
    assert found[-1] == pytest.approx(-np.log(0.06 * 0.2 * 0.3) / 2)


def test_trial_is_levelled_by_its_own_shares_alone():
    stack = made_up().stack
    assert np.array_equal(levels(stack)[1], levels(stack[1:2])[0])
