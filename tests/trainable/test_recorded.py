"""Every epoch is stored when it is finished, and a trial is kept as it was at its best."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from trainable.fitting import Fit
from trainable.recorded import RecordedFit, write_weights
from trainable.store import TrialFolder


@pytest.fixture
def folder(tmp_path) -> TrialFolder:
    return TrialFolder(tmp_path / "experiment" / "trial-001")


def test_record_says_what_was_trained_and_where(two_folds, trained):
    record = trained.folder.read().record
    assert record.trial == "trial-001"
    assert record.config == two_folds
    assert record.values == {"optim.lr": two_folds.optim.lr}
    assert (record.machine.device, record.machine.precision) == ("cpu", "float32")
    assert record.machine.threads == 1
    assert record.identity == two_folds.identity()
    assert record.setup_seconds > 0


def test_epochs_that_are_stored_are_those_that_were_returned(trained):
    assert trained.folder.read_epochs() == trained.epochs
    assert [epoch.epoch for epoch in trained.epochs] == [1, 2]


def test_epoch_says_where_its_seconds_went(trained):
    for epoch in trained.epochs:
        assert set(epoch.seconds) == {"data", "step", "validation", "store"}
        assert epoch.epoch_seconds == sum(epoch.seconds.values())


def test_running_trial_says_that_it_runs(trained):
    assert trained.folder.read_outcome().status == "running"


def test_best_epoch_is_kept_when_a_later_one_is_worse(tiny, folder):
    fit = RecordedFit(
        tiny.with_values({"train.epochs": 4, "train.batch_size": 8, "optim.lr": 1e-2}), folder, {}
    )
    scores = [fit.step().score for _ in range(3)]
    best, weights = folder.read_validation().values, load_file(folder.weights_file)
    nothing = {name: torch.zeros_like(value) for name, value in fit.fit.weights().items()}
    fit.fit.load_weights(nothing)
    assert fit.step().score < max(scores) == fit.best_score
    assert np.array_equal(folder.read_validation().values, best)
    assert not np.array_equal(fit.fit.validation.astype(np.float16), best)
    assert all(
        torch.equal(value, weights[k]) for k, value in load_file(folder.weights_file).items()
    )
    assert folder.read().best == folder.read_epochs()[scores.index(max(scores))]


def test_stored_weights_predict_the_stored_validation(two_folds, trained):
    fit = Fit(two_folds)
    fit.load_weights(load_file(trained.folder.weights_file))
    stored = trained.folder.read_validation()
    best = trained.folder.read().best
    assert np.array_equal(stored.rows, fit.rows)
    labels = fit.data.images["label"].to_numpy()[stored.rows]
    assert np.mean(stored.values.argmax(axis=1) == labels) == best.metrics["accuracy"]


def test_weights_are_stored_bit_by_bit(trained, folder):
    write_weights(trained.recorded.fit, folder.weights_file)
    stored = load_file(folder.weights_file)
    for name, value in trained.recorded.fit.weights().items():
        assert torch.equal(stored[name], value)


def test_fit_continues_from_a_checkpoint_and_forgets_later_epochs(two_folds, trained, folder):
    first = RecordedFit(two_folds, folder, {})
    first.step()
    checkpoint = folder.path / "checkpoint"
    checkpoint.mkdir()
    first.save(checkpoint)
    first.step()
    resumed = RecordedFit(two_folds, folder, {})
    resumed.load(checkpoint)
    assert resumed.best_score == trained.epochs[0].score
    resumed.step()
    assert [e.metrics for e in folder.read_epochs()] == [e.metrics for e in trained.epochs]


def test_best_score_is_nothing_before_the_first_epoch(tiny, folder):
    assert RecordedFit(tiny, folder, {}).best_score == 0
    assert folder.read().best is None
