"""Votes are by image, and answer with probabilities that can vote again."""

import numpy as np
import pytest

from trainable.labels import TASKS, task_probabilities
from trainable.voting import VOTES, hard_vote, soft_vote, task_vote

ALL = [TASKS] * 3


def one_image(*models: list[float]) -> np.ndarray:
    return np.array(models)[:, np.newaxis]


def random_stack(models: int, images: int = 40) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(18), size=(models, images))


def test_soft_vote_is_the_mean():
    stack = one_image([0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 0.9, 0.1])
    assert soft_vote(stack, ALL)[0] == pytest.approx([1 / 3, 1.7 / 3, 0.1])


def test_hard_vote_takes_the_majority_where_the_mean_says_otherwise():
    stack = one_image([0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 0.9, 0.1])
    assert hard_vote(stack, ALL)[0] == pytest.approx([7 / 12, (1 + 1.7 / 3) / 4, 0.025])


def test_mean_probability_decides_a_hard_tie():
    stack = one_image([0.6, 0.4, 0.0], [0.1, 0.9, 0.0])
    assert hard_vote(stack, ALL).argmax() == 1


def test_a_class_without_the_most_votes_never_wins_a_hard_tie():
    stack = one_image([0.51, 0.0, 0.49], [0.0, 0.51, 0.49])
    assert soft_vote(stack, ALL).argmax() == 2
    assert hard_vote(stack, ALL).argmax() == 0


def test_task_vote_takes_each_task_from_those_trained_for_it_alone():
    stack = random_stack(3)
    joined = task_probabilities(task_vote(stack, [TASKS, ("age",), TASKS]))
    whole, age, other = (task_probabilities(model) for model in stack)
    assert joined["age"] == pytest.approx(age["age"])
    assert joined["mask"] == pytest.approx((whole["mask"] + other["mask"]) / 2)


def test_task_vote_of_specialists_is_the_product_of_their_tasks():
    stack = random_stack(3)
    mask, gender, age = (
        task_probabilities(own)[task] for own, task in zip(stack, TASKS, strict=True)
    )
    joined = task_vote(stack, [(task,) for task in TASKS])
    expected = mask[:, :, None, None] * gender[:, None, :, None] * age[:, None, None, :]
    assert joined == pytest.approx(expected.reshape(-1, 18))


@pytest.mark.parametrize("method", VOTES)
def test_each_image_is_voted_on_by_itself(method):
    stack = random_stack(5)
    alone = [VOTES[method](stack[:, [i]], [TASKS] * 5)[0] for i in range(40)]
    assert VOTES[method](stack, [TASKS] * 5) == pytest.approx(np.array(alone))


@pytest.mark.parametrize("method", VOTES)
def test_votes_are_probabilities(method):
    assert VOTES[method](random_stack(5), [TASKS] * 5).sum(axis=1) == pytest.approx(np.ones(40))


@pytest.mark.parametrize("method", ["soft", "hard"])
def test_one_model_is_its_own_ensemble(method):
    stack = random_stack(1)
    assert np.array_equal(VOTES[method](stack, [TASKS]).argmax(1), stack[0].argmax(1))
