"""Eval images are predicted with a stored trial's weights, as often as asked."""

import numpy as np
import pytest

from trainable.dataset import load_data
from trainable.experiment import Asked, start_experiment
from trainable.predict import main
from trainable.recorded import write_weights
from trainable.settings import UserError
from trainable.store import ExperimentFolder, create_experiment, experiment_of
from trainable.trial_folder import TrialFolder


@pytest.fixture
def experiment(two_folds, tmp_path) -> ExperimentFolder:
    folder = create_experiment(tmp_path / "runs", "faces")
    start_experiment(folder, Asked("?", "trainable.fit", [], {}, {}), [load_data(two_folds.data)])
    return folder


@pytest.fixture
def trial(experiment, trained) -> TrialFolder:
    folder = experiment.trial("trial-001")
    folder.write_record(trained.folder.read().record)
    return folder


def test_eval_images_are_predicted_from_the_stored_weights(trial, trained, capsys):
    write_weights(trained.recorded.fit, trial.weights_file)
    assert main([f"trial={trial.path}"]) == 0
    expected = trained.recorded.fit.eval_probabilities()
    assert np.array_equal(trial.read_eval().values, expected.values)
    assert np.array_equal(trial.read_eval().rows, expected.rows)
    assert capsys.readouterr().out == f"{trial.path}: eval images predicted\n"


def test_trial_without_weights_says_how_to_train_it_again(trial):
    with pytest.raises(UserError, match=r"python -m trainable.fit replay=faces/trial-001"):
        main([f"trial={trial.path}"])


def test_trial_of_other_data_is_refused(trial, trained):
    write_weights(trained.recorded.fit, trial.weights_file)
    record = experiment_of(trial).read_record()
    experiment_of(trial).write_record(record.model_copy(update={"data_fingerprint": "other"}))
    with pytest.raises(UserError, match="have changed since faces was started"):
        main([f"trial={trial.path}"])
    assert not trial.has_eval()


def test_pretrained_trial_is_predicted_without_the_hub(trial, trained):
    record = trial.read().record
    pretrained = record.config.with_values({"model.pretrained": True})
    trial.write_record(record.model_copy(update={"config": pretrained}))
    write_weights(trained.recorded.fit, trial.weights_file)
    assert main([f"trial={trial.path}"]) == 0


def test_unknown_trial_names_near_ones(trial):
    with pytest.raises(
        UserError, match="unknown trial of faces 'trial-01'; did you mean trial-001"
    ):
        main([f"trial={trial.path.with_name('trial-01')}"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "trial= names no trial; write trial=runs/"),
        (["trial="], "trial= names no trial"),
        (["trial=nowhere"], "no experiment in"),
    ],
)
def test_trial_that_is_nowhere_is_an_error(words, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        main(words)
