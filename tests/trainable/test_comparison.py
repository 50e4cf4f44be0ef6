"""A difference counts when resampling persons does not explain it."""

import numpy as np
import pytest

from trainable.comparison import difference_of, paired_difference
from trainable.metrics import macro_f1

PERSONS, EACH = 60, 7
PEOPLE = np.repeat([f"person {i}" for i in range(PERSONS)], EACH)
LABELS = np.random.default_rng(0).integers(0, 18, PERSONS * EACH)


def guesses(right: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    other = random.integers(0, 18, len(LABELS))
    return np.where(random.random(len(LABELS)) < right, LABELS, other)


def test_difference_is_that_of_macro_f1():
    good, bad = guesses(0.7, 1), guesses(0.4, 2)
    found = paired_difference(LABELS, PEOPLE, [good], [bad])
    assert found.value == pytest.approx(macro_f1(LABELS, good) - macro_f1(LABELS, bad))


def test_clear_difference_helps_one_way_and_hurts_the_other():
    good, bad = guesses(0.8, 1), guesses(0.3, 2)
    forth = paired_difference(LABELS, PEOPLE, [good], [bad])
    back = paired_difference(LABELS, PEOPLE, [bad], [good])
    assert (forth.verdict, back.verdict) == ("helps", "hurts")
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low))


def test_equal_quality_cannot_be_told_apart():
    found = paired_difference(LABELS, PEOPLE, [guesses(0.6, 1)], [guesses(0.6, 2)])
    assert found.low < 0 < found.high
    assert found.verdict == "cannot tell"


def test_the_same_answers_differ_by_nothing():
    found = paired_difference(LABELS, PEOPLE, [guesses(0.6, 1)], [guesses(0.6, 1)])
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert found.verdict == "cannot tell"


def test_persons_not_images_are_resampled():
    """Seven copies of each image add nothing to what is known."""
    labels, good, bad = LABELS[:PERSONS], guesses(0.7, 1)[:PERSONS], guesses(0.5, 2)[:PERSONS]
    people = np.arange(PERSONS)
    once = paired_difference(labels, people, [good], [bad])
    seven = [np.repeat(part, EACH) for part in (labels, people, good, bad)]
    often = paired_difference(seven[0], seven[1], [seven[2]], [seven[3]])
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_interval_is_that_of_a_plain_bootstrap_loop():
    good, bad, random = guesses(0.6, 1), guesses(0.5, 2), np.random.default_rng(5)
    images = np.arange(len(LABELS)).reshape(PERSONS, EACH)
    drawn = [images[random.integers(0, PERSONS, PERSONS)].ravel() for _ in range(1000)]
    found = [macro_f1(LABELS[i], good[i]) - macro_f1(LABELS[i], bad[i]) for i in drawn]
    interval = paired_difference(LABELS, PEOPLE, [good], [bad])
    assert (interval.low, interval.high) == pytest.approx(
        np.quantile(found, [0.025, 0.975]), abs=0.01
    )


def test_several_seeds_count_by_their_mean():
    pairs = [(guesses(0.7, i), guesses(0.5, 10 + i)) for i in range(3)]
    found = paired_difference(LABELS, PEOPLE, [a for a, _ in pairs], [b for _, b in pairs])
    each = [paired_difference(LABELS, PEOPLE, [a], [b]).value for a, b in pairs]
    assert found.value == pytest.approx(np.mean(each))


def test_probability_is_the_share_of_resamples_in_which_the_second_is_ahead():
    second, first = np.array([0.5, 0.4, 0.3, 0.2]), np.full(4, 0.3)
    assert difference_of(0.05, second, first).probability == (2 + 0.5) / 4


def test_seeds_that_disagree_widen_the_interval():
    apart = [guesses(right, i) for i, right in enumerate((0.5, 0.6, 0.7), start=1)]
    alike = [guesses(0.6, i) for i in (1, 2, 3)]
    wide = paired_difference(LABELS, PEOPLE, apart, [guesses(0.4, 9)])
    narrow = paired_difference(LABELS, PEOPLE, alike, [guesses(0.4, 9)])
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_two_sides_are_as_probably_better_as_each_other_is_not():
    good, bad = guesses(0.55, 1), guesses(0.5, 2)
    forth = paired_difference(LABELS, PEOPLE, [good], [bad])
    back = paired_difference(LABELS, PEOPLE, [bad], [good])
    assert 0.5 < forth.probability < 1
    assert forth.probability + back.probability == pytest.approx(1)
