"""Stacking reads what a trial means by its probabilities, and knows no class it never saw."""

import numpy as np
import pytest
from made_up import made_up

from analysis.ensembles.stacking import fitted_stacking
from trainable.labels import task_probabilities


def test_trial_that_takes_men_for_women_is_understood():
    known = made_up(persons=60, apart=(3.0,))
    swapped = known.stack.reshape(1, -1, 3, 2, 3)[:, :, :, ::-1].reshape(known.stack.shape)
    answers = fitted_stacking(swapped, known.labels)(swapped)
    gender = task_probabilities(answers)["gender"].argmax(axis=1)
    said = task_probabilities(swapped[0])["gender"].argmax(axis=1)
    truth = known.labels // 3 % 2
    assert np.mean(said == truth) < 0.1
    assert np.mean(gender == truth) > 0.9


def test_task_with_one_class_is_answered_with_it():
    known = made_up()
    worn = known.of_images(known.labels < 6)
    answers = fitted_stacking(worn.stack, worn.labels)(known.stack)
    assert answers.sum(axis=1) == pytest.approx(np.ones(len(known.labels)))
    assert task_probabilities(answers)["mask"][:, 0] == pytest.approx(np.ones(len(known.labels)))


@pytest.mark.parametrize("missing", range(3))
def test_class_that_never_occurs_gets_no_probability(missing):
    known = made_up()
    others = [k for k in range(3) if k != missing]
    some = known.of_images(known.labels % 3 != missing)
    age = task_probabilities(fitted_stacking(some.stack, some.labels)(known.stack))["age"]
    assert not age[:, missing].any()
    assert age[:, others].min() > 0
