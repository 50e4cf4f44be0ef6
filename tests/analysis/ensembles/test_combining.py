"""Methods by name: who takes part, how much each counts, and one image answered by itself."""

from dataclasses import replace

import numpy as np
import pytest
from made_up import made_up

from analysis.ensembles.combining import METHODS, MOST_FITTED, best_first, fit_method
from analysis.ensembles.evidence import Evidence
from analysis.ensembles.pools import soft_pool
from trainable.labels import TASKS, decode, encode, join_tasks, task_probabilities

WHOLE = [method for method in METHODS if method != "task"]


def specialists() -> Evidence:
    """Return the evidence of a trial for each task and of a weak one for all, the last."""
    known = made_up(persons=30, apart=(2.0, 2.0, 2.0, 0.3))
    for trial, task in enumerate(TASKS):
        parts = task_probabilities(known.stack[trial])
        blank = {other: np.full_like(one, 1 / one.shape[1]) for other, one in parts.items()}
        known.stack[trial] = join_tasks({**blank, task: parts[task]})
    return replace(known, tasks=[*((task,) for task in TASKS), TASKS])


@pytest.mark.parametrize("method", METHODS)
def test_answers_are_distributions_and_shares_sum_to_one(method):
    known = made_up(apart=(0.5, 1.5, 1.0, 1.2))
    combination = fit_method(method, known, 2)
    assert combination(known.stack).sum(axis=1) == pytest.approx(np.ones(len(known.labels)))
    assert combination.shares.sum() == pytest.approx(1)
    assert combination.shares.min() >= 0


@pytest.mark.parametrize("method", METHODS)
def test_each_image_is_answered_from_its_own_probabilities(method):
    known = made_up(apart=(0.5, 1.5, 1.0))
    combination = fit_method(method, known, 2)
    some = [40, 3, 77]
    assert combination(known.stack[:, some]) == pytest.approx(combination(known.stack)[some])


@pytest.mark.parametrize("method", METHODS)
def test_trials_without_a_share_have_no_say(method):
    known = made_up(persons=30, apart=(0.3, 2.5, 0.4, 2.5))
    combination = fit_method(method, known, 2)
    silent = known.stack.copy()
    silent[combination.shares == 0] = 1 / 18
    assert combination(silent) == pytest.approx(combination(known.stack))


@pytest.mark.parametrize("method", ["log", "soft", "hard", "rank"])
def test_votes_are_of_the_best_by_their_own_score(method):
    known = made_up(persons=30, apart=(0.3, 2.5, 0.5, 1.5))
    assert fit_method(method, known, 2).shares == pytest.approx([0, 0.5, 0, 0.5])


def test_single_is_the_best_trial_as_it_is():
    known = made_up(persons=30, apart=(0.3, 2.5, 0.5))
    assert fit_method("single", known, 3)(known.stack) == pytest.approx(known.stack[1])


def test_soft_is_the_mean_of_the_best():
    known = made_up(persons=30, apart=(0.3, 2.5, 1.5))
    assert fit_method("soft", known, 2)(known.stack) == pytest.approx(soft_pool(known.stack[1:]))


@pytest.mark.parametrize("method", ["weighted", "stack"])
def test_no_more_than_the_best_few_are_fitted(method):
    known = made_up(apart=tuple(np.linspace(0.4, 1.5, MOST_FITTED + 2)))
    taking_part = set(best_first(known)[:MOST_FITTED])
    assert set(np.flatnonzero(fit_method(method, known, 3).shares)) <= taking_part


@pytest.mark.parametrize("method", WHOLE)
def test_trials_for_one_task_do_not_answer_all_three(method):
    known = specialists()
    assert best_first(known) == [3]
    assert fit_method(method, known, 3).shares == pytest.approx([0, 0, 0, 1])


def test_trials_for_one_task_each_are_enough():
    every = specialists()
    known = replace(every, stack=every.stack[:3], tasks=every.tasks[:3])
    assert best_first(known) == []
    assert fit_method("task", known, 3).shares == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_what_a_trial_was_not_trained_for_is_not_asked_of_it():
    known = made_up(persons=30, apart=(4.0, 1.0))
    alone = replace(known, tasks=[("mask",), TASKS])
    assert fit_method("task", known, 1).shares == pytest.approx([1, 0])
    assert fit_method("task", alone, 1).shares == pytest.approx([1 / 3, 2 / 3])


def test_tasks_are_answered_each_by_the_trials_that_know_it():
    known = specialists()
    answers = decode(fit_method("task", known, 3)(known.stack).argmax(axis=1))
    truth = decode(known.labels)
    assert min(np.mean(answers[task] == truth[task]) for task in TASKS) > 0.85
    alone = {t: task_probabilities(known.stack[i])[t].argmax(axis=1) for i, t in enumerate(TASKS)}
    joined = encode(*(alone[task] for task in TASKS))
    assert np.mean(encode(*(answers[task] for task in TASKS)) == joined) > 0.9
