"""Gender and age are the group's geometric mean, and masks each image's own."""

import numpy as np
import pytest
from made_up import made_up

from analysis.grouping.together import decided_together
from trainable.labels import decode, join_tasks, task_probabilities

ONE = {
    "mask": np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]),
    "gender": np.array([[0.9, 0.1], [0.5, 0.5]]),
    "age": np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]]),
}


def test_gender_is_the_geometric_mean_and_masks_stay():
    found = task_probabilities(decided_together(join_tasks(ONE), np.array([0, 0])))
    assert found["mask"] == pytest.approx(ONE["mask"])
    assert found["gender"] == pytest.approx(np.array([[0.75, 0.25]] * 2))
    assert found["age"] == pytest.approx(ONE["age"])


def test_image_alone_answers_as_before():
    joint = join_tasks(ONE)
    assert decided_together(joint, np.array([0, 1])) == pytest.approx(joint)


def test_persons_that_are_known_answer_gender_and_age_better():
    known = made_up(persons=60, apart=(1.0,))
    groups = np.unique(known.persons, return_inverse=True)[1]
    truth = decode(known.labels)
    alone = decode(known.stack[0].argmax(axis=1))
    together = decode(decided_together(known.stack[0], groups).argmax(axis=1))
    for task in ("gender", "age"):
        assert np.mean(together[task] == truth[task]) > np.mean(alone[task] == truth[task]) + 0.1
    assert np.array_equal(together["mask"], alone["mask"])
