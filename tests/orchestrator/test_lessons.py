"""A trial's score on a rung is its last value until then; all that is known follows from trials."""

import math
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from orchestrator.lessons import ABOVE_ALL, Lessons, scores_by_rung

NAN, INF = math.nan, math.inf
UNIT, WIDER = FloatDistribution(0.0, 1.0), FloatDistribution(0.0, 2.0)


def trial(number, reports=(), *, state=TrialState.COMPLETE, value=None, x=0.5, distribution=UNIT):
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=state,
        value=value,
        datetime_start=datetime(2024, 1, 1),
        datetime_complete=datetime(2024, 1, 1) if state.is_finished() else None,
        params={} if x is None else {"x": x},
        distributions={} if x is None else {"x": distribution},
        user_attrs={},
        system_attrs={},
        intermediate_values=dict(reports),
    )


def learned(trials, rungs=None, sign=1):
    lessons = Lessons(rungs, sign)
    lessons.learn(trials)
    return lessons


def test_score_on_a_rung_is_the_last_value_up_to_it():
    one = trial(0, {1: 0.3, 2: 0.5, 4: 0.4, 9: 0.6})
    assert scores_by_rung(one, (1, 3, 4, 9), 1) == [0.3, 0.5, 0.4, 0.6]


def test_higher_score_of_fewer_folds_does_not_count_on_the_rung_of_more():
    assert scores_by_rung(trial(0, {1: 0.60, 3: 0.55}), (1, 3), 1) == [0.60, 0.55]


def test_lower_values_are_better_where_the_sign_is_negative():
    assert scores_by_rung(trial(0, {1: 0.3, 2: 0.5, 3: 0.1}), (1, 2, 3), -1) == [-0.3, -0.5, -0.1]


def test_rungs_that_were_not_reached_have_no_score():
    scores = scores_by_rung(trial(0, {3: 0.3, 5: 0.2}), (1, 3, 4, 9, ABOVE_ALL), 1)
    assert scores == pytest.approx([NAN, 0.3, 0.3, NAN, NAN], nan_ok=True)


def test_a_value_that_is_no_number_is_ignored():
    one = trial(0, {1: NAN, 2: 0.4, 3: INF, 4: -INF, 5: NAN})
    for sign in (1, -1):
        scores = scores_by_rung(one, (1, 2, 3, 4, 5), sign)
        assert scores == pytest.approx([NAN, *[sign * 0.4] * 4], nan_ok=True)


def test_a_trial_that_reported_nothing_has_its_final_value_above_all():
    scores = scores_by_rung(trial(0, value=0.7), (1, 3, ABOVE_ALL), -1)
    assert scores == pytest.approx([NAN, NAN, -0.7], nan_ok=True)


@pytest.mark.parametrize(
    ("one", "is_scored"),
    [
        (trial(0, {1: 0.5}), True),
        (trial(0, {1: 0.5}, state=TrialState.PRUNED), True),
        (trial(0, {1: 0.5}, state=TrialState.RUNNING), True),
        (trial(0, {1: 0.5}, state=TrialState.FAIL), False),
        (trial(0, {1: NAN}, state=TrialState.RUNNING), False),
        (trial(0, state=TrialState.RUNNING), False),
        (trial(0, state=TrialState.WAITING), False),
        (trial(0, state=TrialState.PRUNED), False),
        (trial(0, value=0.5), True),
        (trial(0, value=INF), False),
    ],
)
def test_who_has_a_score(one, is_scored):
    assert learned([one]).scored == is_scored


def test_the_highest_rung_that_enough_trials_reached_counts():
    trials = [trial(0, {1: 0.1, 3: 0.2, 9: 0.3}), trial(1, {1: 0.4, 3: 0.5}), trial(2, {1: 0.6})]
    for enough, scores in ((1, [0.3]), (2, [0.2, 0.5]), (3, [0.1, 0.4, 0.6])):
        assert list(learned(trials).highest_rung(enough)[1]) == scores
    assert learned(trials).highest_rung(4) is None


def test_without_a_list_every_reported_step_is_a_rung():
    trials = [trial(0, {2: 0.1}), trial(1, {1: 0.4, 5: 0.5})]
    assert list(learned(trials).highest_rung(2)[1]) == [0.1, 0.4]


def test_only_listed_rungs_are_compared():
    trials = [trial(0, {1: 0.1, 2: 0.2, 3: 0.3}), trial(1, {1: 0.4, 2: 0.5, 3: 0.6})]
    assert list(learned(trials, rungs=(2,)).highest_rung(2)[1]) == [0.2, 0.5]


def test_parameters_are_in_alphabetical_order_and_the_most_of_one_trial_are_counted():
    both = trial(0, {1: 0.5})
    both.params, both.distributions = {"x": 0.5, "y": 0.1}, {"x": UNIT, "y": UNIT}
    other = trial(1, {1: 0.5})
    other.params, other.distributions = {"z": 0.5}, {"z": UNIT}
    lessons = learned([other, both])
    assert list(lessons.dimensions) == ["x", "y", "z"]
    assert lessons.parameters == 2


def test_a_running_trial_that_fails_is_forgotten_with_its_parameters():
    running = trial(1, {1: 0.5}, state=TrialState.RUNNING, x=2.0, distribution=WIDER)
    failed = trial(1, {1: 0.5}, state=TrialState.FAIL, x=2.0, distribution=WIDER)
    first = trial(0, {1: 0.5})
    lessons = learned([first, running])
    assert lessons.dimensions["x"].value(1.0) == 2.0
    lessons.learn([first, failed])
    assert lessons.dimensions["x"].value(1.0) == 1.0
    assert lessons.scored == 1


def test_a_running_trial_that_is_changed_in_place_is_read_again():
    """Some storages do that."""
    running = trial(0, {1: 0.5}, state=TrialState.RUNNING)
    lessons = learned([running], rungs=(1, 2))
    running.intermediate_values[2] = 0.6
    lessons.learn([running])
    assert list(lessons.highest_rung(1)[1]) == [0.6]


def test_another_study_replaces_what_is_known():
    lessons = learned([trial(0, {1: 0.5}), trial(1, {1: 0.6})])
    lessons.learn([trial(0, {1: 0.9}), trial(1, {1: 0.8}), trial(2, {1: 0.7})])
    assert list(lessons.highest_rung(3)[1]) == [0.9, 0.8, 0.7]
    lessons.learn([trial(0, {1: 0.4})])
    assert list(lessons.highest_rung(1)[1]) == [0.4]


def test_choices_that_are_lists_can_be_learned():
    with pytest.warns(UserWarning, match="persistent storage"):
        lists = CategoricalDistribution(([1, 2], [3]))
    one = trial(0, {1: 0.5}, x=[3], distribution=lists)
    assert learned([one]).highest_rung(1)[0].tolist() == [[1.0]]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["report", "report", "report", "complete", "prune", "fail"]),
        st.sampled_from([0.1, 0.2, 0.3, 0.4, NAN]),
    ),
    min_size=5,
    max_size=20,
)


@given(EVENTS, st.sampled_from([None, (2, 3)]))
def test_learning_by_and_by_is_learning_at_once(events, rungs):
    """Three trials with ranges of their own report and end in any order."""
    ranges = [WIDER, UNIT, FloatDistribution(-1.0, 1.0)]
    trials = [
        trial(number, state=TrialState.RUNNING, distribution=one)
        for number, one in enumerate(ranges)
    ]
    by_and_by = Lessons(rungs, 1)
    for number, event, value in events:
        old = trials[number]
        if old.state.is_finished():
            continue
        reports, state = dict(old.intermediate_values), TrialState.RUNNING
        if event == "report":
            reports[len(reports) + 1] = value
        else:
            state = {"complete": TrialState.COMPLETE, "prune": TrialState.PRUNED}.get(
                event, TrialState.FAIL
            )
        end = value if state == TrialState.COMPLETE else None
        trials[number] = trial(number, reports, state=state, value=end, distribution=ranges[number])
        by_and_by.learn(trials)
        at_once = learned(trials, rungs)
        assert by_and_by.scored == at_once.scored
        assert by_and_by.parameters == at_once.parameters
        assert by_and_by.dimensions == at_once.dimensions
        for enough in (1, 2, 3):
            known, expected = by_and_by.highest_rung(enough), at_once.highest_rung(enough)
            assert (known is None) == (expected is None)
            if known is not None and expected is not None:
                np.testing.assert_array_equal(known[0], expected[0])
                np.testing.assert_array_equal(known[1], expected[1])
