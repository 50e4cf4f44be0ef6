"""Ingredients are kept where they help, and what they are worth is said by other persons."""

import numpy as np
import pytest

from trainable.labels import CLASS_COUNT, TASKS
from trainable.soup.choice import BEST, Judge, Mixture, Tried, greedy_mixture, judged_on_others

PERSONS, IMAGES_EACH = 90, 6
LABELS = np.arange(PERSONS * IMAGES_EACH) // IMAGES_EACH % 6 * 3 % CLASS_COUNT


class Known:
    """Mixtures whose answers are right for some images and class 17 for the others."""

    def __init__(self, right: dict[Mixture, np.ndarray]) -> None:
        self._right = right
        self.asked: list[Mixture] = []

    def answers(self, mixture: Mixture) -> np.ndarray:
        self.asked.append(mixture)
        return np.where(self._right[mixture], LABELS, 17)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(LABELS, np.repeat(np.arange(PERSONS), IMAGES_EACH), TASKS)


def mixture(*numbers: int) -> Mixture:
    return frozenset(numbers)


def right(share: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(len(LABELS)) < share


def test_trial_that_raises_the_score_stays_and_others_are_left_out(judge):
    known = Known(
        {BEST: right(0.5), mixture(0, 1): right(0.4), mixture(0, 2): right(0.6)}
        | {mixture(0, 2, 3): right(0.6)}
    )
    told: list[Tried] = []
    assert greedy_mixture(known, judge, [1, 2, 3], tell=told.append) == mixture(0, 2)
    assert [tried.is_kept for tried in told] == [False, True, False]


def test_choice_looks_at_the_rows_it_is_given_alone(judge):
    rows = np.arange(len(LABELS) // 2)
    of_first_half = np.isin(np.arange(len(LABELS)), rows)
    known = Known({BEST: right(0.5), mixture(0, 1): of_first_half})
    assert greedy_mixture(known, judge, [1], rows) == mixture(0, 1)
    assert greedy_mixture(known, judge, [1], np.flatnonzero(~of_first_half)) == BEST


def test_halves_share_no_person_and_cover_all(judge):
    for choosing, judging in judge.halves():
        assert not set(judge.persons[choosing]) & set(judge.persons[judging])
        assert len(choosing) + len(judging) == len(LABELS)


def test_mixture_that_is_better_for_everybody_is_better_on_others(judge):
    known = Known({BEST: right(0.4), mixture(1): right(0.3, 1), mixture(0, 1): right(0.8)})
    assert judged_on_others(known, judge, 2).low > 0


def test_gain_on_the_persons_that_chose_counts_for_nothing(judge):
    """A mixture that is better for one half and worse for the other loses in both directions."""
    (half, other), _ = judge.halves()
    better = right(0.5)
    better[half], better[other] = True, False
    known = Known({BEST: right(0.5), mixture(1): right(0.3, 1), mixture(0, 1): better})
    assert judged_on_others(known, judge, 2).high < 0


def test_nothing_gained_is_no_difference(judge):
    known = Known({BEST: right(0.5), mixture(1): right(0.3, 1), mixture(0, 1): right(0.1)})
    found = judged_on_others(known, judge, 2)
    assert (found.value, found.low, found.high) == (0, 0, 0)
