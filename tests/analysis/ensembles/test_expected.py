"""The expected interval holds the score of new persons 19 times of 20, and is wider for fewer."""

import numpy as np
import pytest
from made_up import MASKS, people

from analysis.ensembles.expected import expected_interval
from trainable.labels import decode, encode
from trainable.metrics import macro_f1
from trainable.resampling import resampled_scores

IMAGES_EACH = len(MASKS)


def answered(persons: int, random: np.random.Generator):
    """Return classes, persons and answers that mistake whole persons, and single masks."""
    labels, names = people(persons, random)
    truth = decode(labels)
    wrong = {
        task: np.repeat(random.random(persons) < rate, IMAGES_EACH)
        for task, rate in (("gender", 0.15), ("age", 0.25))
    }
    mask = np.where(random.random(len(labels)) < 0.9, truth["mask"], 0)
    gender = np.where(wrong["gender"], 1 - truth["gender"], truth["gender"])
    age = np.where(wrong["age"], np.abs(truth["age"] - 1), truth["age"])
    return labels, names, encode(mask, gender, age)


def test_score_of_new_persons_lies_inside_about_95_times_of_100():
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        low, high = expected_interval(*answered(40, random), 20 * IMAGES_EACH)
        labels, _, answers = answered(20, random)
        inside += low <= macro_f1(labels, answers) <= high
    assert 90 <= inside <= 99


def test_fewer_eval_images_make_the_interval_wider():
    known = answered(60, np.random.default_rng(1))
    widths = [
        np.ptp(expected_interval(*known, persons * IMAGES_EACH)) for persons in (5, 20, 80, 320)
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 1.5 * widths[-1]


def test_few_known_persons_are_part_of_what_is_unsure():
    """However many eval images: the known ones spread as a bootstrap of theirs does."""
    known = answered(60, np.random.default_rng(1))
    own = np.ptp(np.quantile(resampled_scores(known[0], known[1], [known[2]]), [0.025, 0.975]))
    assert np.ptp(expected_interval(*known, 10_000 * IMAGES_EACH)) == pytest.approx(own, rel=0.1)


def test_interval_stays_between_0_and_1_also_for_one_image():
    labels, names, _ = answered(8, np.random.default_rng(2))
    assert expected_interval(labels, names, labels, 1) == (1, 1)
    low, high = expected_interval(labels, names, (labels + 1) % 18, 1)
    assert 0 <= low <= high <= 1
