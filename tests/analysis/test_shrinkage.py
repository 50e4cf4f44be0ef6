"""Shrunken scores are what the best of many trials is worth on persons that did not choose it."""

import numpy as np
import pytest

from analysis.results import load_experiment
from analysis.shrinkage import own_variances, shrunken_scores, shrunken_trials
from trainable.metrics import macro_f1
from trainable.settings import UserError

NOISE = 0.02


def curse_of_best(true: np.ndarray, repeats: int = 300) -> tuple[float, float]:
    """Return how much too high the best score is in the mean, and its shrunken estimate."""
    random = np.random.default_rng(0)
    raw, shrunken = [], []
    for _ in range(repeats):
        scores = true + random.normal(0, NOISE, len(true))
        best = scores.argmax()
        estimates = shrunken_scores(scores, np.full(len(true), NOISE**2))
        raw.append(scores[best] - true[best])
        shrunken.append(estimates[best] - true[best])
    return float(np.mean(raw)), float(np.mean(shrunken))


@pytest.mark.parametrize(
    "true",
    [
        np.full(24, 0.3),
        np.random.default_rng(1).normal(0.3, 0.02, 24),
        np.concatenate([np.full(12, 0.3), np.random.default_rng(1).uniform(0.0, 0.25, 12)]),
        np.random.default_rng(1).normal(0.3, 0.02, 100),
    ],
    ids=["equal", "near", "some learnt nothing", "a hundred"],
)
def test_best_of_many_loses_its_luck_and_little_more(true):
    raw, shrunken = curse_of_best(true)
    assert raw > 0.5 * NOISE
    assert abs(shrunken) < raw / 3


def test_best_that_stands_out_keeps_its_score():
    scores = np.array([0.6, 0.3, 0.29, 0.28, 0.1])
    assert shrunken_scores(scores, np.full(5, 0.01**2))[0] == pytest.approx(0.6, abs=0.002)


def test_scores_without_noise_stay_as_they_are():
    scores = np.array([0.5, 0.4, 0.1])
    assert shrunken_scores(scores, np.zeros(3)) == pytest.approx(scores, abs=1e-4)


def test_two_scores_within_their_noise_draw_together_about_their_mean():
    scores = np.array([0.28, 0.32])
    low, high = shrunken_scores(scores, np.full(2, 0.02**2))
    assert low < high
    assert (low + high) / 2 == pytest.approx(0.3)
    assert high - low < 0.04 * 0.6


def test_order_of_trials_does_not_matter():
    scores, variances = np.array([0.1, 0.4, 0.38]), np.array([1e-4, 4e-4, 2e-4])
    order = [2, 0, 1]
    found = shrunken_scores(scores, variances)
    assert shrunken_scores(scores[order], variances[order]) == pytest.approx(found[order])


def test_what_trials_share_is_no_variance_of_their_own():
    random = np.random.default_rng(0)
    shared, own = random.normal(0, 0.05, (20000, 1)), random.normal(0, 0.01, (20000, 6))
    assert own_variances(0.3 + shared + own) == pytest.approx(np.full(6, 1e-4), rel=0.05)


def test_finished_trials_are_shrunk_and_failed_ones_are_not(experiment):
    found = shrunken_trials(load_experiment(experiment.path.parent, "faces"))
    assert set(found) == {"peaked", "steady", "early"}
    assert found["peaked"].score == 0.6
    assert found["peaked"].estimate < 0.6
    assert {one.among for one in found.values()} == {3}


def test_noise_is_that_of_a_plain_loop_over_drawn_persons(experiment):
    images, random = experiment.read_images(), np.random.default_rng(9)
    answers = {}
    for name in ("peaked", "steady", "early"):
        stored = experiment.trial(name).read_validation()
        answers[name] = stored.values[np.argsort(stored.rows)].argmax(1)
    labels = images["label"].to_numpy()
    scores = []
    for _ in range(700):
        persons = random.integers(0, 12, 12)
        rows = (persons[:, None] * 7 + np.arange(7)).ravel()
        scores.append([macro_f1(labels[rows], own[rows]) for own in answers.values()])
    own = np.array(scores) - np.mean(scores, axis=1, keepdims=True)
    found = shrunken_trials(load_experiment(experiment.path.parent, "faces"))
    expected = own.std(axis=0) * np.sqrt(3 / 2)
    assert [found[name].noise for name in answers] == pytest.approx(expected, rel=0.15)


def test_trials_scored_on_other_images_are_shrunk_apart(experiment):
    trial = experiment.trial("early")
    stored = trial.read_validation()
    trial.write_validation(type(stored)(stored.rows[:40], stored.values[:40]))
    found = shrunken_trials(load_experiment(experiment.path.parent, "faces"))
    assert (found["peaked"].among, found["early"].among) == (2, 1)
    assert found["early"].estimate == found["early"].score


def test_missing_answers_are_named(experiment):
    (experiment.path / "steady" / "validation.npz").unlink()
    with pytest.raises(UserError, match=r"cannot read .*steady/validation\.npz"):
        shrunken_trials(load_experiment(experiment.path.parent, "faces"))
