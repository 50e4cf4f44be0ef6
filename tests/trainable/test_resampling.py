"""Resampled scores are macro-F1 of drawn persons; drawn seeds add chance in training."""

import numpy as np
import pytest

from trainable.labels import decode
from trainable.metrics import macro_f1
from trainable.resampling import mean_over_seeds, resampled_scores

PERSONS, EACH = 40, 7
PEOPLE = np.repeat([f"person {i:02d}" for i in range(PERSONS)], EACH)
LABELS = np.random.default_rng(0).integers(0, 18, PERSONS * EACH)


def guesses(right: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    other = random.integers(0, 18, len(LABELS))
    return np.where(random.random(len(LABELS)) < right, LABELS, other)


def drawn_images(resample: int) -> np.ndarray:
    """Return the images of a resample: of each person as often as the person was drawn."""
    draws = np.random.default_rng(0).multinomial(PERSONS, np.full(PERSONS, 1 / PERSONS), 5)
    return np.repeat(np.arange(len(LABELS)), np.repeat(draws[resample], EACH))


@pytest.mark.parametrize("resample", range(5))
def test_resampled_score_is_the_macro_f1_of_the_drawn_persons_images(resample):
    answers = [guesses(0.6, 1), guesses(0.3, 2)]
    found = resampled_scores(LABELS, PEOPLE, answers, resamples=5)[resample]
    images = drawn_images(resample)
    assert found == pytest.approx([macro_f1(LABELS[images], own[images]) for own in answers])


def test_score_of_some_tasks_is_the_mean_of_theirs():
    answer, images = guesses(0.6, 1), drawn_images(0)
    found = resampled_scores(LABELS, PEOPLE, [answer], ("mask", "age"), resamples=5)[0]
    true, given = decode(LABELS[images]), decode(answer[images])
    assert found == pytest.approx(
        np.mean([macro_f1(true[task], given[task]) for task in ("mask", "age")])
    )


def test_order_of_images_changes_no_draw():
    order = np.random.default_rng(3).permutation(len(LABELS))
    answer = guesses(0.6, 1)
    straight = resampled_scores(LABELS, PEOPLE, [answer], resamples=5)
    mixed = resampled_scores(LABELS[order], PEOPLE[order], [answer[order]], resamples=5)
    assert mixed == pytest.approx(straight)


def test_as_many_persons_are_drawn_as_another_set_has():
    """Scores spread by the root of the number of persons, and about the same middle."""
    answer = guesses(0.6, 1)
    spreads = [
        resampled_scores(LABELS // 6, PEOPLE, [answer // 6], drawn=drawn).std()
        for drawn in (PERSONS, 4 * PERSONS, 16 * PERSONS)
    ]
    assert spreads[0] / spreads[1] == pytest.approx(2, rel=0.1)
    assert spreads[1] / spreads[2] == pytest.approx(2, rel=0.1)


def test_persons_of_another_set_are_other_draws_though_as_many():
    answer = [guesses(0.6, 1)]
    here = resampled_scores(LABELS, PEOPLE, answer)[:, 0]
    there = resampled_scores(LABELS, PEOPLE, answer, drawn=PERSONS)[:, 0]
    assert abs(np.corrcoef(here, there)[0, 1]) < 0.1
    assert there.std() == pytest.approx(here.std(), rel=0.1)


def test_one_training_adds_no_chance():
    scores = np.random.default_rng(0).random((10, 1))
    assert np.array_equal(mean_over_seeds(scores, np.random.default_rng(1)), scores[:, 0])


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_drawn_seeds_spread_as_the_mean_of_new_trainings_does(seeds):
    """Over many sets of trainings the mean variance is the true one, 1 / S of a training's."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(400):
        trainings = random.normal(0.3, 0.02, seeds)
        found.append(mean_over_seeds(np.tile(trainings, (300, 1)), random).var())
    assert np.mean(found) == pytest.approx(0.02**2 / seeds, rel=0.15)
