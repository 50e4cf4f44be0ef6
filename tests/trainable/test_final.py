"""The final training sees everybody, for as many epochs as scored best."""

import numpy as np
import pytest
from safetensors.torch import load_file

from trainable.dataset import load_data
from trainable.experiment import Asked, start_experiment
from trainable.final import main
from trainable.fitting import Fit
from trainable.settings import UserError
from trainable.store import create_experiment
from trainable.trial_folder import TrialFolder


@pytest.fixture
def trial(trained, two_folds, tmp_path) -> TrialFolder:
    experiment = create_experiment(tmp_path / "runs", "faces")
    start_experiment(
        experiment, Asked("?", "trainable.fit", [], {}, {}), [load_data(two_folds.data)]
    )
    folder = experiment.trial("trial-001")
    folder.write_record(trained.folder.read().record)
    folder.write_epochs(list(trained.epochs))
    return folder


def trained_by_hand(trial: TrialFolder) -> Fit:
    results = trial.read()
    fit = Fit(results.record.config.with_values({"cv.folds": 0}))
    for _ in range(results.best.epoch):
        fit.train_epoch()
    return fit


def test_final_training_stops_after_the_best_epoch(trial):
    assert main([f"trial={trial.path}"]) == 0
    fit = trained_by_hand(trial)
    assert np.array_equal(trial.read_final().values, fit.eval_probabilities().values)
    stored = load_file(trial.final_weights_file)
    assert all((stored[name] == value).all() for name, value in fit.weights().items())


def test_stopped_final_training_goes_on(trial, monkeypatch, capsys):
    trial.write_epochs(
        [
            epoch.model_copy(update={"metrics": {"macro_f1": epoch.epoch / 9}})
            for epoch in trial.read_epochs()
        ]
    )
    one_epoch, trained_epochs = Fit.train_epoch, []

    def interrupted(fit: Fit):
        trained_epochs.append(fit.epoch)
        if len(trained_epochs) == 2:
            raise KeyboardInterrupt
        return one_epoch(fit)

    monkeypatch.setattr(Fit, "train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main([f"trial={trial.path}"])
    main([f"trial={trial.path}"])
    assert trained_epochs == [0, 1, 1]
    monkeypatch.undo()
    expected = trained_by_hand(trial).eval_probabilities().values
    assert np.array_equal(trial.read_final().values, expected)


def test_trial_without_a_score_has_no_best_epoch(trial):
    trial.write_epochs([])
    with pytest.raises(UserError, match="no score yet"):
        main([f"trial={trial.path}"])


def test_trial_that_was_not_trained_on_all_names_the_command(trial):
    with pytest.raises(UserError, match=r"python -m trainable\.final trial="):
        trial.read_final()
