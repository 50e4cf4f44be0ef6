"""A portfolio is good in every earlier experiment, first as one, then as several."""

import numpy as np
import pytest

from orchestrator.portfolio import Past, Tried, encoded, portfolio, ranked
from search_spaces.language import Space, choice, integers, log_uniform, uniform, when

SHARE = {"x": [uniform(0.0, 1.0)]}


def past(name, worth, numbers):
    """Trials of an experiment in which ``worth`` says what each number is worth."""
    return Past(name, [Tried(f"t{i}", {"x": x}, worth(x)) for i, x in enumerate(numbers)])


def near(*centres):
    return lambda x: max(1 - abs(x - centre) for centre in centres)


ONE = np.linspace(0.0, 1.0, 21).tolist()
OTHER = np.linspace(0.02, 0.98, 20).tolist()
"""No number of ONE."""


def chosen(pasts, size, domains=SHARE):
    return [one.values["x"] for one in portfolio(pasts, domains, size)]


def test_first_is_good_in_every_experiment_though_each_tried_other_numbers():
    pasts = [past("left", near(0.1, 0.7), ONE), past("right", near(0.9, 0.72), OTHER)]
    assert chosen(pasts, 1) == [pytest.approx(0.7, abs=0.05)]


def test_second_is_good_where_the_first_is_not():
    left = [past(f"left-{i}", near(0.1), numbers) for i, numbers in enumerate((ONE, OTHER))]
    first, second = chosen([*left, past("right", near(0.9), ONE)], 2)
    assert first == pytest.approx(0.1, abs=0.05)
    assert second == pytest.approx(0.9, abs=0.05)


def test_scores_of_different_scales_count_alike():
    def hundredfold(x):
        return 100 * near(0.9)(x) ** 3

    small, large = past("right", near(0.9), OTHER), past("right", hundredfold, OTHER)
    left = past("left", near(0.1), ONE)
    assert chosen([left, small], 5) == chosen([left, large], 5)


def test_single_experiment_gives_its_best_trials_in_their_order():
    assert chosen([past("only", lambda x: x, ONE)], 3) == ONE[:-4:-1]


def test_where_nothing_is_gained_the_next_best_on_average_follow():
    pasts = [past("a", lambda x: x, [0.0, 0.1, 1.0]), past("b", lambda x: x, [0.7, 0.8, 1.0])]
    assert chosen(pasts, 3) == [1.0, 0.8, 0.7]
    reasons = [one.reason for one in portfolio(pasts, SHARE, 2)]
    assert reasons == ["scored 1.0000, best over a, b", "scored 0.8000, the next best"]


def test_equal_configurations_are_chosen_once():
    pasts = [past("a", near(0.1), ONE[:3]), past("b", near(0.1), ONE[:3])]
    assert sorted(chosen(pasts, 8)) == ONE[:3]


def test_choice_says_where_it_is_from_and_where_it_helps():
    left = [past(name, near(0.1), ONE) for name in ("a", "b", "c", "d", "e")]
    first, second = portfolio([*left, past("right", near(0.9), ONE)], SHARE, 2)
    assert (first.source, first.reason) == ("a/t2", "scored 1.0000, best over a, b, c and 3 more")
    assert (second.source, second.reason) == ("right/t18", "scored 1.0000, adds most in right")


def test_same_experiments_give_the_same_portfolio():
    pasts = [past("a", near(0.1), ONE), past("b", near(0.7), OTHER), past("c", near(0.4), ONE)]
    assert portfolio(pasts, SHARE, 8) == portfolio(pasts, SHARE, 8)


@pytest.mark.parametrize("pasts", [[], [Past("empty", [])]])
def test_nothing_learned_is_no_portfolio(pasts):
    assert portfolio(pasts, SHARE, 8) == []


def test_trial_counts_by_how_many_did_no_better():
    trials = [Tried("", {}, score) for score in (0.5, 0.9, 0.5, 0.1)]
    assert ranked(trials) == pytest.approx(np.log([4 / 2.5, 4 / 1, 4 / 2.5, 4 / 4]))


def test_values_become_shares_of_their_range_and_columns_of_their_choices():
    space = Space(
        "?",
        {
            "lr": log_uniform(1e-4, 1e-2),
            "loss": choice("ce", "focal"),
            "gamma": when("loss", {"focal": uniform(1.0, 3.0)}),
            "layers": integers(2, 2),
        },
    )
    trials = [
        Tried("", {"lr": 1e-3, "loss": "ce", "layers": 2}, 0.0),
        Tried("", {"lr": 1e-2, "loss": "focal", "gamma": 1.5, "layers": 2}, 0.0),
    ]
    assert encoded(trials, space.domains()) == pytest.approx(
        np.array([[0, 0.5, 0, 1, 0, 1, 0.5, 0, 0.5], [0, 1, 0, 0, 1, 0, 0.25, 0, 0.5]])
    )
