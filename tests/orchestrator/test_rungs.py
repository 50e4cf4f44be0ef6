"""One in so many goes on from a rung, and of equal scores the first to come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.rungs import Rungs


def filled(scores, level=1, levels=(1, 3, 9)):
    rungs = Rungs(levels, 3)
    for name, score in scores.items():
        rungs.add(name, level, score)
    return rungs


def test_nobody_is_promoted_before_there_are_as_many_as_one_goes_on_of():
    assert filled({"a": 0.9, "b": 0.1}).promotable() is None


def test_best_of_three_is_promoted_and_the_others_wait():
    rungs = filled({"a": 0.1, "b": 0.9, "c": 0.5})
    assert rungs.promotable() == "b"
    rungs.leave("b")
    assert rungs.promotable() is None
    assert rungs.best_waiting() == "c"


def test_second_best_is_promoted_when_there_are_six():
    rungs = filled({name: score for score, name in enumerate("abcdef")})
    rungs.leave("f")
    assert rungs.promotable() == "e"


def test_higher_rung_goes_first():
    rungs = filled({name: score for score, name in enumerate("abc")})
    for name, score in {"x": 0.1, "y": 0.2, "z": 0.3}.items():
        rungs.add(name, 3, score)
    assert rungs.promotable() == "z"
    assert rungs.best_waiting() == "z"


def test_of_equal_scores_the_first_to_come_goes_on():
    assert filled({"a": 0.5, "b": 0.5, "c": 0.5}).promotable() == "a"


def test_first_to_come_is_good_and_a_worse_second_is_not():
    rungs = filled({"a": 0.5})
    assert rungs.is_good("a")
    rungs.add("b", 1, 0.4)
    assert not rungs.is_good("b")
    rungs.add("c", 1, 0.6)
    assert rungs.is_good("c")


def test_in_ascending_order_no_more_than_a_third_are_promoted():
    rungs, promoted = Rungs((1,), 3), []
    for score, name in enumerate("abcdefghi"):
        rungs.add(name, 1, score)
        if (best := rungs.promotable()) is not None:
            promoted.append(best)
            rungs.leave(best)
    assert promoted == ["c", "f", "i"]


def test_trial_that_ended_on_its_rung_leaves_its_place_to_another():
    rungs = filled({"a": 0.9, "b": 0.8, "c": 0.7})
    rungs.leave("a", goes_on=False)
    assert rungs.promotable() == "b"


def test_scores_of_those_that_left_still_count():
    rungs = filled({"a": 0.9, "b": 0.8})
    rungs.leave("a")
    rungs.leave("b")
    rungs.add("c", 1, 0.7)
    assert rungs.promotable() is None


def test_leaving_twice_changes_nothing():
    rungs = filled({"a": 0.9})
    rungs.leave("a")
    rungs.leave("a")
    assert rungs.best_waiting() is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_as_many_are_promoted_as_a_third_and_they_are_the_best(scores):
    rungs = filled({str(place): score for place, score in enumerate(scores)})
    promoted = []
    while (name := rungs.promotable()) is not None:
        promoted.append(scores[int(name)])
        rungs.leave(name)
    assert promoted == sorted(scores, reverse=True)[: len(scores) // 3]


@pytest.mark.parametrize("count", [1, 7, 50])
def test_good_ones_are_those_above_the_quantile(count):
    scores = np.random.default_rng(count).permutation(count) / count
    rungs = filled({str(place): score for place, score in enumerate(scores)})
    good = {scores[place] for place in range(count) if rungs.is_good(str(place))}
    assert good == set(sorted(scores, reverse=True)[: -(-count // 3)])
