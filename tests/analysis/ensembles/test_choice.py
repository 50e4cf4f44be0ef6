"""The simplest that is not clearly worse: in order, by an interval, scored on other persons."""

import numpy as np
import pytest
from made_up import made_up

from analysis.ensembles.choice import Compared, compare, simplest
from analysis.ensembles.combining import FITTED, METHODS
from analysis.ensembles.nested import nested_answers
from trainable.comparison import Difference, paired_difference
from trainable.metrics import macro_f1


def compared(method: str, *, high: float, rule: bool = False) -> Compared:
    behind = Difference(high - 0.05, high - 0.1, high, 0.5)
    return Compared(method, rule, np.zeros(1, int), 0.5, 0.4, 0.6, behind)


def test_first_that_is_not_clearly_worse_is_taken():
    found = [compared("log", high=-0.01), compared("soft", high=0.01), compared("hard", high=0.05)]
    assert simplest(found).method == "soft"


def test_interval_that_touches_zero_is_not_clearly_worse():
    assert not compared("log", high=0.0).is_clearly_worse
    assert compared("log", high=-0.001).is_clearly_worse


def test_best_is_never_clearly_worse_than_itself():
    known = made_up(apart=(1.0, 1.2))
    found = compare(known, 2, ["soft", "single", "rank"], [False, True])
    best = max(found, key=lambda one: one.score)
    assert (best.behind.value, best.behind.low, best.behind.high) == (0, 0, 0)


def test_simplest_come_first_whatever_order_is_asked():
    known = made_up(persons=10, apart=(1.0, 1.2))
    found = compare(known, 2, list(METHODS)[::-1], [True, False])
    names = [one.name for one in found]
    plain = [method for method in METHODS if method not in FITTED]
    fitted = [method for method in METHODS if method in FITTED]
    expected = [*plain, *(f"{one} + rule" for one in plain)]
    assert names == [*expected, *fitted, *(f"{one} + rule" for one in fitted)]


def test_vote_that_two_outvote_wrongly_is_clearly_worse_than_the_one_good_trial():
    known = made_up(persons=60, apart=(3.0, 3.0, 3.0))
    known.stack[1:] = np.roll(known.stack[1], 5, axis=1)
    found = {one.method: one for one in compare(known, 3, ["soft", "single"], [False])}
    assert found["soft"].is_clearly_worse
    assert simplest(list(found.values())).method == "single"


def test_difference_of_trials_alike_is_not_clear():
    known = made_up(persons=60, apart=(1.5, 1.5))
    assert simplest(compare(known, 2, list(METHODS), [False])).method == "log"


@pytest.mark.parametrize("method", ["soft", "greedy"])
def test_score_and_interval_are_those_of_nested_answers(method):
    known = made_up(apart=(0.7, 1.5))
    best, other = compare(known, 2, [method, "single"], [True])[:2]
    for one in (best, other):
        answers = nested_answers(one.method, known, 2, [True])[True]
        assert np.array_equal(one.answers, answers)
        assert one.score == macro_f1(known.labels, answers)
        assert one.low <= one.score <= one.high


def test_difference_is_paired_by_person():
    known = made_up(apart=(0.7, 1.5))
    found = compare(known, 2, ["soft", "single"], [False])
    worse, best = sorted(found, key=lambda one: one.score)
    paired = paired_difference(known.labels, known.persons, [worse.answers], [best.answers])
    assert worse.behind == paired
