"""Whoever answers for a person was fitted to others: no label of the person's gets through."""

import numpy as np
import pytest
from made_up import made_up

from analysis.ensembles.combining import METHODS, Combination
from analysis.ensembles.nested import fit_ensembles, nested_answers, nested_joint, parts
from trainable.settings import UserError

NEVER = 17
"""A class that no image has."""


def memorise(known, order, top):
    """Fit a method that knows by heart the images it was fitted to; to others it answers NEVER."""
    truth = {image.tobytes(): k for image, k in zip(known.stack[0], known.labels, strict=True)}

    def combine(stack):
        return np.eye(18)[[truth.get(image.tobytes(), NEVER) for image in stack[0]]]

    return Combination(np.ones(len(known.stack)), combine)


def with_other_masks(known, rows):
    """Return the evidence as if in images ``rows`` the other masks were worn, persons the same."""
    changed = known.labels.copy()
    changed[rows] = (changed[rows] + 6) % 18
    return type(known)(known.stack, changed, known.persons, known.tasks)


def test_method_that_learns_by_heart_is_worth_nothing_to_other_persons(monkeypatch):
    monkeypatch.setitem(METHODS, "single", memorise)
    known = made_up()
    known = known.of_images(known.labels != NEVER)
    by_heart = fit_ensembles("single", known, 1, [False])[False].answers(known.stack)
    assert np.array_equal(by_heart, known.labels)
    nested = nested_answers("single", known, 1, [False])[False]
    assert set(nested) == {NEVER}


def test_probabilities_too_are_those_of_a_method_that_knew_not_the_person(monkeypatch):
    monkeypatch.setitem(METHODS, "single", memorise)
    known = made_up()
    known = known.of_images(known.labels != NEVER)
    assert set(nested_joint("single", known, 1).argmax(axis=1)) == {NEVER}


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_put_first_what_is_answered_without_a_rule(method):
    known = made_up(persons=15, apart=(0.8, 1.0, 1.2))
    answers = nested_answers(method, known, 2, [False])[False]
    assert np.array_equal(nested_joint(method, known, 2).argmax(axis=1), answers)


@pytest.mark.parametrize("method", METHODS)
def test_labels_of_a_person_do_not_change_its_own_answers(method):
    known = made_up(persons=15, apart=(0.8, 1.0, 1.2))
    before = nested_answers(method, known, 2, [False, True])
    _, part = parts(known)[0]
    after = nested_answers(method, with_other_masks(known, part), 2, [False, True])
    for rule in (False, True):
        assert np.array_equal(before[rule][part], after[rule][part])


def test_labels_of_a_person_do_change_what_others_are_answered():
    known = made_up(persons=15, apart=(0.8, 1.0, 1.2))
    rest, part = parts(known)[0]
    changed = with_other_masks(known, part)
    before, after = (nested_answers("stack", one, 2, [True])[True] for one in (known, changed))
    assert not np.array_equal(before[rest], after[rest])


def test_trial_that_is_right_on_one_persons_images_alone_is_not_chosen_for_them():
    known = made_up(persons=15, apart=(0.8, 0.9))
    _, part = parts(known)[0]
    known.stack[0, part] = np.eye(18)[known.labels[part]]
    everyone = fit_ensembles("single", known, 1, [False])[False].combination.shares
    assert everyone.tolist() == [1, 0]
    nested = nested_answers("single", known, 1, [False])[False]
    assert np.array_equal(nested[part], known.stack[1, part].argmax(axis=1))


@pytest.mark.parametrize("persons", [5, 6, 13])
def test_each_person_is_in_one_part_with_all_images(persons):
    known = made_up(persons=persons)
    found = parts(known)
    assert sorted(np.concatenate([part for _, part in found])) == list(range(7 * persons))
    for rest, part in found:
        assert not set(known.persons[rest]) & set(known.persons[part])
        assert len(rest) + len(part) == 7 * persons


@pytest.mark.parametrize("seed", [8, 22])
def test_part_that_the_splitter_leaves_empty_is_no_part(seed):
    known = made_up(persons=5, seed=seed)
    assert len(parts(known)) < 5
    assert all(len(part) for _, part in parts(known))
    assert len(nested_answers("stack", known, 3, [True])[True]) == 35


def test_fewer_persons_than_parts_are_an_error_that_says_what_to_do():
    with pytest.raises(UserError, match=r"4 persons .* on 5 parts of them; use more data"):
        nested_answers("soft", made_up(persons=4), 3, [False])


def test_methods_that_fit_nothing_answer_nested_as_they_do_otherwise():
    known = made_up()
    for method in ("soft", "hard", "rank"):
        nested = nested_answers(method, known, 3, [False])[False]
        fitted = fit_ensembles(method, known, 3, [False])[False]
        assert np.array_equal(nested, fitted.answers(known.stack))
