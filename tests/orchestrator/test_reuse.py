"""A trial is taken where training it would only repeat it, and says where its results are from."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from orchestrator.reuse import FinishedTrials, take
from trainable.arrays import Probabilities
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.device import Device
from trainable.experiment import Asked, start_experiment, versions
from trainable.metric_names import METRICS
from trainable.recorded import RecordedFit
from trainable.records import EpochRecord, MachineRecord, Outcome, TrialRecord
from trainable.store import ExperimentFolder, create_experiment, now
from trainable.trial_folder import TrialFolder

CPU = Device("cpu", "float32")
VALUES = {"optim.lr": 0.004}


@pytest.fixture
def config(tiny: TrialConfig) -> TrialConfig:
    return tiny.with_values(VALUES)


@pytest.fixture
def old(tmp_path: Path, tiny: TrialConfig) -> ExperimentFolder:
    """An experiment on the tiny data, with no trial yet."""
    folder = create_experiment(tmp_path / "runs", "old")
    start_experiment(folder, Asked("?", "orchestrator.search", [], {}, {}), [load_data(tiny.data)])
    return folder


@pytest.fixture
def new(tmp_path: Path, old: ExperimentFolder) -> TrialFolder:
    return create_experiment(old.path.parent, "new").trial("trial-007")


def predictions() -> Probabilities:
    rows = np.arange(6, dtype=np.int32)
    return Probabilities(rows, np.full((6, 18), 1 / 18, np.float16))


def write_trial(folder: TrialFolder, config: TrialConfig, device: Device = CPU, **other) -> None:
    """Store a completed trial of two epochs."""
    machine = MachineRecord(
        host="here",
        process=1,
        device=device.name,
        precision=device.precision,
        threads=1,
        torch="2",
        processor="x",
    )
    members = config.member_configs()
    record = TrialRecord(
        trial=folder.name,
        config=config,
        values=VALUES,
        machine=machine,
        identity=config.identity(),
        views={name: load_data(own.data).view for name, own in members.items()},
        setup_seconds=1.0,
        started=now(),
    )
    folder.write_record(record.model_copy(update=other))
    folder.write_epochs([epoch(number) for number in (1, 2)])
    folder.write_validation(predictions())
    folder.write_outcome(Outcome(status="completed"))


def epoch(number: int) -> EpochRecord:
    metrics = dict.fromkeys(METRICS, number / 10)
    return EpochRecord(epoch=number, metrics=metrics, train_loss=1.0, lr=0.1, seconds={"step": 1.0})


def found(old: ExperimentFolder, config: TrialConfig, device: Device | None = None):
    fingerprint = old.read_record().data_fingerprint
    finished = FinishedTrials.index(old.path.parent, fingerprint, versions())
    return finished.find(config, device)


def test_finished_trial_of_the_same_settings_is_found(old, config):
    write_trial(old.trial("trial-001"), config)
    assert found(old, config) == old.trial("trial-001")


def test_trial_that_was_trained_is_found(old, config):
    train(old.trial("trial-001"), config)
    assert found(old, config) == old.trial("trial-001")


def test_how_many_threads_and_loaders_it_has_is_no_setting(old, config):
    write_trial(old.trial("trial-001"), config)
    busier = config.with_values({"machine.threads": 2, "machine.loaders": 1})
    assert found(old, busier, CPU) == old.trial("trial-001")


@pytest.mark.parametrize(
    "changed", [{"optim.lr": 0.005}, {"train.seed": 1}, {"cv.seed": 1}, {"train.epochs": 3}]
)
def test_trial_of_other_settings_folds_or_seed_is_not_found(old, config, changed):
    write_trial(old.trial("trial-001"), config)
    assert found(old, config.with_values(changed)) is None


@pytest.mark.parametrize("device", [Device("cuda", "float32"), Device("cpu", "bfloat16")])
def test_trial_of_another_device_or_precision_is_not_found(old, config, device):
    write_trial(old.trial("trial-001"), config)
    assert found(old, config, device) is None
    write_trial(old.trial("trial-002"), config, device)
    assert found(old, config, device) == old.trial("trial-002")


@pytest.mark.parametrize("status", ["stopped", "failed", "running"])
def test_trial_that_was_not_completed_is_not_found(old, config, status):
    write_trial(old.trial("trial-001"), config)
    old.trial("trial-001").write_outcome(Outcome(status=status))
    assert found(old, config) is None


def test_mixture_of_trials_is_not_taken_for_a_training(old, config):
    write_trial(old.trial("soup-001"), config, mixed_from=["trial-001", "trial-002"])
    assert found(old, config) is None


def test_trial_whose_last_epoch_is_not_stored_is_not_found(old, config):
    write_trial(old.trial("trial-001"), config)
    old.trial("trial-001").write_epochs([epoch(1)])
    assert found(old, config) is None


def test_trial_of_other_labels_or_crops_is_not_found(old, config):
    write_trial(old.trial("trial-001"), config, views={"": "of label fixes that have changed"})
    assert found(old, config) is None


def train(folder: TrialFolder, config: TrialConfig) -> None:
    """Train a trial to its end."""
    with closing(RecordedFit(config, folder, VALUES)) as recorded:
        while not recorded.fit.finished:
            recorded.step()
    folder.write_outcome(Outcome(status="completed"))


def test_trial_whose_folds_were_trained_in_turn_is_found_although_they_skip_steps(old, config):
    """The first epoch of its first fold is the best: the second fold trains no other one."""
    folds = {"cv.folds": 2, "cv.fidelity": "folds"}
    in_turn = config.with_values({**folds, "train.epochs": 3, "train.seed": 2, "optim.lr": 3e-2})
    trial = old.trial("trial-001")
    train(trial, in_turn)
    epochs = trial.read_epochs()
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 6]
    assert found(old, in_turn) == trial
    trial.write_epochs(epochs[:-1])
    assert found(old, in_turn) is None


def test_trial_does_not_find_itself(old, config):
    own = old.trial("trial-001")
    write_trial(own, config)
    fingerprint = old.read_record().data_fingerprint
    finished = FinishedTrials.index(old.path.parent, fingerprint, versions())
    assert finished.find(config, apart_from=own) is None
    write_trial(old.trial("trial-002"), config)
    finished.add(old.trial("trial-002"))
    assert finished.find(config, apart_from=own) == old.trial("trial-002")


def test_trial_that_completes_later_is_found_when_it_was_added(old, config):
    fingerprint = old.read_record().data_fingerprint
    finished = FinishedTrials.index(old.path.parent, fingerprint, versions())
    later = old.trial("trial-001")
    write_trial(later, config)
    assert finished.find(config) is None
    finished.add(later)
    assert finished.find(config) == later


def test_trial_that_is_added_without_being_completed_is_not_found(old, config):
    fingerprint = old.read_record().data_fingerprint
    finished = FinishedTrials.index(old.path.parent, fingerprint, versions())
    stopped = old.trial("trial-001")
    finished.add(stopped)
    write_trial(stopped, config)
    stopped.write_outcome(Outcome(status="stopped"))
    finished.add(stopped)
    assert finished.find(config) is None


@pytest.mark.parametrize("package", ["code", "torch", "albumentations"])
def test_trial_of_another_code_or_library_is_not_found(old, config, package):
    write_trial(old.trial("trial-001"), config)
    record = old.read_record()
    other = {**record.versions, package: "another"}
    old.write_record(record.model_copy(update={"versions": other}))
    assert found(old, config) is None


def test_trial_of_other_data_is_not_found(old, config):
    write_trial(old.trial("trial-001"), config)
    finished = FinishedTrials.index(old.path.parent, "other data", versions())
    assert finished.find(config) is None


@pytest.mark.parametrize("file", ["trial.json", "epochs.json", "outcome.json", "validation.npz"])
def test_damaged_trial_is_not_found(old, config, file):
    write_trial(old.trial("trial-001"), config)
    write_trial(old.trial("trial-002"), config)
    (old.trial("trial-001").path / file).write_text("{")
    assert found(old, config) == old.trial("trial-002")


def test_damaged_experiment_has_no_trial_to_take(old, new, config):
    write_trial(old.trial("trial-001"), config)
    fingerprint = old.read_record().data_fingerprint
    (old.path / "experiment.json").write_text("{")
    finished = FinishedTrials.index(old.path.parent, fingerprint, versions())
    assert finished.find(config) is None


def test_trial_that_kept_its_weights_is_preferred(old, config):
    for name in ("trial-001", "trial-002", "trial-003"):
        write_trial(old.trial(name), config)
    old.trial("trial-002").weights_file.write_bytes(b"weights")
    assert found(old, config) == old.trial("trial-002")


def test_taken_trial_has_the_results_and_says_where_they_are_from(old, new, config):
    original = old.trial("trial-001")
    write_trial(original, config)
    original.write_eval(predictions())
    original.weights_file.write_bytes(b"weights")
    moved = config.with_values({"data.root": "moved", "machine.threads": 2})
    take(original, new, moved, {"optim.lr": 0.004, "loss.name": "cross_entropy"})
    stored = new.read()
    assert stored.record.trial == "trial-007"
    assert stored.record.taken_from == "old/trial-001"
    assert stored.record.values == {"optim.lr": 0.004, "loss.name": "cross_entropy"}
    assert stored.record.config == config.with_values({"data.root": "moved"})
    assert stored.outcome == Outcome(status="completed", reason="taken from old/trial-001")
    assert stored.epochs == original.read_epochs()
    assert np.array_equal(new.read_validation().values, original.read_validation().values)
    assert new.has_eval()
    assert new.weights_file.samefile(original.weights_file)


def test_trial_is_taken_where_neither_weights_nor_eval_predictions_are_kept(old, new, config):
    write_trial(old.trial("trial-001"), config)
    take(old.trial("trial-001"), new, config, VALUES)
    assert not new.has_weights()
    assert not new.has_eval()
    assert new.read().best.score == 0.2


def test_trial_that_was_taken_can_be_taken_again(old, new, config):
    write_trial(old.trial("trial-001"), config)
    for _ in range(2):
        take(old.trial("trial-001"), new, config, VALUES)
    assert new.read().outcome.status == "completed"
