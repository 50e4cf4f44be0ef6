"""A confirmation is read as means over seeds, with persons and seeds resampled together."""

import numpy as np
import pytest

from analysis.confirmed import confirmations_of, confirmed_trials
from analysis.results import load_experiment
from trainable.arrays import Probabilities
from trainable.metrics import macro_f1
from trainable.settings import UserError


@pytest.fixture
def read(confirmation):
    return lambda: confirmed_trials(load_experiment(confirmation.path.parent, confirmation.name))


def answers(folder, name: str) -> np.ndarray:
    """Return the predicted classes of a training, by row."""
    stored = folder.trial(name).read_validation()
    return stored.values[np.argsort(stored.rows)].argmax(axis=1)


def test_best_mean_comes_first_whatever_the_search_said(read):
    found = read()
    assert [one.trial for one in found] == ["faces/steady", "faces/peaked"]
    assert [one.chosen.score for one in found] == [0.5, 0.6]


def test_score_and_spread_are_those_of_the_seeds(read, confirmation):
    labels = confirmation.read_images()["label"].to_numpy()
    own = [macro_f1(labels, answers(confirmation, f"peaked-{seed}")) for seed in (1, 2, 3)]
    found = read()[1]
    assert found.score == found.metrics["macro_f1"] == pytest.approx(np.mean(own))
    assert found.spread == pytest.approx(np.std(own, ddof=1))


def test_training_that_was_stopped_does_not_count(read):
    steady = read()[0]
    assert [training.name for training in steady.trainings] == ["steady-1", "steady-2"]


def test_one_training_has_no_spread(read, confirmation):
    for name in ("steady-2", "peaked-2", "peaked-3"):
        outcome = confirmation.trial("steady-3").read_outcome()
        confirmation.trial(name).write_outcome(outcome)
    assert [one.spread for one in read()] == [None, None]


def test_trial_without_a_complete_training_is_left_out(read, confirmation):
    outcome = confirmation.trial("steady-3").read_outcome()
    for seed in (1, 2):
        confirmation.trial(f"steady-{seed}").write_outcome(outcome)
    assert [one.trial for one in read()] == ["faces/peaked"]
    confirmation.trial("peaked-1").write_outcome(outcome)
    assert len(read()) == 1


def test_unseen_score_is_over_the_persons_the_search_did_not_score(read, confirmation):
    labels = confirmation.read_images()["label"].to_numpy()[28:]
    own = [macro_f1(labels, answers(confirmation, f"steady-{seed}")[28:]) for seed in (1, 2)]
    assert read()[0].unseen_score == pytest.approx(np.mean(own))


def test_nothing_is_unseen_where_the_search_scored_all_or_is_gone(read, confirmation, experiment):
    trial = experiment.trial("early")
    every = trial.read_validation()
    experiment.trial("steady").write_validation(every)
    assert [one.unseen_score for one in read()] == [None, None]
    (experiment.path / "steady" / "validation.npz").unlink()
    assert [one.unseen_score for one in read()] == [None, None]


def plain_loop(confirmation, sides: list[list[str]], resamples: int = 1000) -> np.ndarray:
    """Return (resamples, sides): means of drawn trainings on drawn persons, one after the other."""
    labels = confirmation.read_images()["label"].to_numpy()
    own = [[answers(confirmation, name) for name in side] for side in sides]
    random, found = np.random.default_rng(4), []
    for _ in range(resamples):
        rows = (random.integers(0, 12, 12)[:, None] * 7 + np.arange(7)).ravel()
        line = []
        for side in own:
            each = np.array([macro_f1(labels[rows], one[rows]) for one in side])
            drawn = each[random.integers(0, len(each), len(each))]
            wider = np.sqrt(len(each) / (len(each) - 1))
            line.append(each.mean() + wider * (drawn.mean() - each.mean()))
        found.append(line)
    return np.array(found)


def test_interval_and_probability_are_those_of_a_plain_loop(read, confirmation):
    sides = [["steady-1", "steady-2"], ["peaked-1", "peaked-2", "peaked-3"]]
    loop = plain_loop(confirmation, sides)
    steady = read()[0]
    assert (steady.low, steady.high) == pytest.approx(
        np.quantile(loop[:, 0], [0.025, 0.975]), abs=0.015
    )
    ahead = (loop[:, 0] > loop[:, 1]).mean()
    assert steady.better["faces/peaked"].probability == pytest.approx(ahead, abs=0.03)


def test_better_is_the_difference_of_means_and_the_same_backwards(read):
    steady, peaked = read()
    forth, back = steady.better["faces/peaked"], peaked.better["faces/steady"]
    assert forth.value == pytest.approx(steady.score - peaked.score)
    assert forth.probability + back.probability == pytest.approx(1)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert set(steady.better) == {"faces/peaked"}


def test_trainings_on_different_images_do_not_compare(read, confirmation):
    trial = confirmation.trial("peaked-2")
    stored = trial.read_validation()
    trial.write_validation(Probabilities(stored.rows[:40], stored.values[:40]))
    with pytest.raises(UserError, match="scored on different images"):
        read()


def test_search_knows_its_confirmations(confirmation, experiment):
    assert confirmations_of(experiment) == ["faces-confirmed"]
    assert confirmations_of(confirmation) == []


def test_search_itself_confirms_nothing(experiment):
    assert confirmed_trials(load_experiment(experiment.path.parent, "faces")) == []
