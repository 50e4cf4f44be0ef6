"""Greedy selection takes the picks of a plain implementation that asks scikit-learn each time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from analysis.ensembles.greedy import greedy_picks, greedy_weights

ROUNDS = 6
NEVER: Any = 0


def plain_picks(stack: np.ndarray, labels: np.ndarray, rounds: int) -> tuple[list, list]:
    """Call a metric for every candidate of every round (Caruana et al. 2004, literally)."""
    total, picks, found = np.zeros_like(stack[0]), [], []
    present = np.unique(labels)
    for _ in range(rounds):
        answers = [(total + one).argmax(axis=1) for one in stack]
        scores = [
            f1_score(labels, given, labels=present, average="macro", zero_division=NEVER)
            for given in answers
        ]
        picks.append(int(np.argmax(scores)))
        found.append(scores[picks[-1]])
        total = total + stack[picks[-1]]
    return picks, found


@st.composite
def stacks(draw) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities in steps, so that classes tie, and labels in which some never occur."""
    trials, images, classes = (draw(st.integers(1, most)) for most in (5, 30, 6))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    steps = draw(st.sampled_from([2, 4, 1000]))
    stack = random.integers(0, steps, (trials, images, classes)) / steps
    return stack, random.integers(0, draw(st.integers(1, classes)), images)


@settings(max_examples=60)
@given(stacks())
def test_picks_and_scores_are_those_of_a_metric_call_per_candidate(given_stack):
    stack, labels = given_stack
    picks, scores = greedy_picks(stack, labels, ROUNDS)
    plain, plain_scores = plain_picks(stack, labels, ROUNDS)
    assert scores == pytest.approx(plain_scores)
    assert picks == plain


def test_single_precision_takes_the_same_picks():
    random = np.random.default_rng(0)
    stack = random.dirichlet(np.ones(18), (6, 300)).astype(np.float32)
    labels = random.integers(0, 18, 300)
    assert greedy_picks(stack, labels, 15)[0] == plain_picks(stack, labels, 15)[0]


@pytest.mark.parametrize("classes", [256, 257])
def test_of_many_equal_classes_the_first_is_answered(classes):
    stack = np.full((1, 3, classes), 1 / classes)
    assert greedy_picks(stack, np.array([0, 0, 1]), 1)[1] == pytest.approx([0.4])


def test_two_that_know_half_each_share_the_weight():
    """The first is sure of classes 0 and 1, the second of 2 and 3, and both are lost elsewhere."""
    labels, sure = np.arange(4), np.eye(4)
    lost = np.array([0.4, 0.2, 0.2, 0.2])
    first = np.stack([sure[0], sure[1], lost, lost])
    second = np.stack([np.roll(lost, 1), lost, sure[2], sure[3]])
    assert greedy_weights(np.stack([first, second]), labels) == pytest.approx([0.5, 0.5])


def test_trial_that_is_never_wrong_is_taken_alone():
    labels = np.array([0, 1, 2, 1])
    stack = np.stack([np.full((4, 3), 1 / 3), np.eye(3)[labels]])
    assert greedy_weights(stack, labels) == pytest.approx([0, 1])


def test_of_equal_trials_the_first_is_taken():
    stack = np.tile(np.random.default_rng(0).dirichlet(np.ones(3), 10), (3, 1, 1))
    picks, _ = greedy_picks(stack, np.arange(10) % 3, rounds=1)
    assert picks == [0]


def test_weights_are_of_the_rounds_up_to_the_best_one():
    random = np.random.default_rng(3)
    stack, labels = random.dirichlet(np.ones(4), (5, 40)), random.integers(0, 4, 40)
    picks, scores = greedy_picks(stack, labels, 20)
    best = picks[: int(np.argmax(scores)) + 1]
    expected = [best.count(trial) / len(best) for trial in range(5)]
    assert greedy_weights(stack, labels, 20) == pytest.approx(expected)
