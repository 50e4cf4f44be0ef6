"""A stored file is old or new, never half; and what cannot be stored or read is named."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trainable.arrays import Probabilities
from trainable.files import link_or_copy
from trainable.records import ExperimentRecord, Outcome
from trainable.settings import UserError
from trainable.storage_errors import StorageError, UnreadableFileError
from trainable.store import ExperimentFolder, create_experiment, now, open_experiment
from trainable.trial_folder import TrialFolder

NOBODY = 65534


@contextmanager
def without_permissions(folder: Path) -> Iterator[None]:
    """Take the right to write from the folder, and root's from us if we are root."""
    is_root = os.geteuid() == 0
    folder.chmod(0o555)
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)


def record_named(name: str) -> ExperimentRecord:
    return ExperimentRecord(
        experiment=name,
        question="?",
        command="orchestrator.search",
        words=["space=loss_aug"],
        settings={"search": {"trials": 3}},
        space={},
        data_root="demo",
        data_fingerprint="f",
        skipped_images=[],
        versions={"torch": "2"},
        started=[now()],
    )


def start(runs: Path, name: str) -> ExperimentFolder:
    folder = create_experiment(runs, name)
    folder.write_record(record_named(folder.name))
    return folder


def predictions(seed: int) -> Probabilities:
    random = np.random.default_rng(seed)
    rows = random.permutation(100).astype(np.int32)
    return Probabilities(rows, random.dirichlet(np.ones(18), 100).astype(np.float16))


def test_full_disk_keeps_what_was_stored_before(tmp_path, disk_full_after):
    trial = TrialFolder(tmp_path)
    trial.write_validation(predictions(0))
    with (
        disk_full_after(1000),
        pytest.raises(StorageError, match=r"cannot store .*validation.npz: File too large"),
    ):
        trial.write_validation(predictions(1))
    assert np.array_equal(trial.read_validation().values, predictions(0).values)
    assert [entry.name for entry in tmp_path.iterdir()] == ["validation.npz"]


def test_probabilities_come_back_as_they_were(tmp_path):
    trial, expected = TrialFolder(tmp_path), predictions(0)
    trial.write_eval(expected)
    found = trial.read_eval()
    assert np.array_equal(found.rows, expected.rows)
    assert np.array_equal(found.values, expected.values)
    assert (found.rows.dtype, found.values.dtype) == (np.int32, np.float16)


def test_missing_eval_probabilities_say_how_to_make_them(tmp_path):
    with pytest.raises(UserError, match=f"python -m trainable.predict trial={tmp_path}"):
        TrialFolder(tmp_path).read_eval()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half"])
def test_damaged_probabilities_are_named(tmp_path, content):
    (tmp_path / "validation.npz").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"cannot read .*validation.npz: "):
        TrialFolder(tmp_path).read_validation()


@pytest.mark.parametrize("content", ["", "{", '[{"epoch": 0}]', "[1]"])
def test_damaged_epochs_are_named(tmp_path, content):
    (tmp_path / "epochs.json").write_text(content)
    with pytest.raises(UnreadableFileError, match=r"cannot read .*epochs.json: "):
        TrialFolder(tmp_path).read_epochs()


def test_trial_that_has_stored_nothing_runs_and_has_no_epochs(tmp_path):
    trial = TrialFolder(tmp_path / "t")
    assert (trial.read_epochs(), trial.read_outcome()) == ([], Outcome(status="running"))
    assert not trial.has_weights()
    assert not trial.has_eval()
    with pytest.raises(UnreadableFileError, match=r"trial.json: No such file"):
        trial.read()


def test_outcome_comes_back_as_it_was(tmp_path):
    outcome = Outcome(status="failed", reason="größer", traceback="line\nline")
    TrialFolder(tmp_path).write_outcome(outcome)
    assert TrialFolder(tmp_path).read_outcome() == outcome


def test_experiments_of_the_same_name_have_folders_of_their_own(tmp_path):
    names = [create_experiment(tmp_path / "runs", "faces").name for _ in range(3)]
    assert names == ["faces", "faces-2", "faces-3"]


def test_runs_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write to search.runs=.*file: Not a directory"):
        create_experiment(tmp_path / "file", "faces")
    with without_permissions(tmp_path), pytest.raises(UserError, match="Permission denied"):
        create_experiment(tmp_path, "faces")


def test_latest_names_the_experiment_that_became_so_last(tmp_path):
    first, second = start(tmp_path, "first"), start(tmp_path, "second")
    first.become_latest()
    assert open_experiment(tmp_path).name == "first"
    second.become_latest()
    assert open_experiment(tmp_path).read_record().experiment == "second"


def test_runs_may_be_moved_with_their_latest(tmp_path):
    start(tmp_path / "runs", "first").become_latest()
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert open_experiment(tmp_path / "moved").name == "first"


def test_unknown_experiment_names_near_ones(tmp_path):
    start(tmp_path, "loss-and-augmentation")
    with pytest.raises(UserError, match="did you mean loss-and-augmentation"):
        open_experiment(tmp_path, "loss-and-augmentations")


def test_empty_runs_folder_says_how_to_start(tmp_path):
    with pytest.raises(UserError, match=r"no experiment in .*python -m orchestrator.search"):
        open_experiment(tmp_path / "runs")


def test_trials_are_those_with_a_record_in_the_order_of_their_names(tmp_path, trained):
    experiment = start(tmp_path, "faces")
    for name in ("b", "a"):
        experiment.trial(name).write_record(trained.folder.read().record)
    experiment.trial("empty").write_outcome(Outcome(status="failed"))
    assert [trial.name for trial in experiment.trials()] == ["a", "b"]
    assert experiment.existing_trial("a").path == experiment.path / "a"
    with pytest.raises(UserError, match="unknown trial of faces 'empty'; known: a, b"):
        experiment.existing_trial("empty")


def test_experiment_record_comes_back_as_it_was(tmp_path):
    experiment = start(tmp_path, "faces")
    assert experiment.read_record().settings == {"search": {"trials": 3}}
    assert experiment.read_record().words == ["space=loss_aug"]


def test_tables_of_images_come_back_as_they_were(tmp_path):
    experiment = start(tmp_path, "faces")
    images = pd.DataFrame({"person": ["007", "008"], "age": [20.0, 61.5], "label": [0, 2]})
    eval_images = pd.DataFrame({"ImageID": ["1.jpg", "0012"], "image": ["a", "b"]})
    experiment.write_images(images, eval_images)
    assert experiment.read_images().equals(images)
    assert experiment.read_eval_images().to_dict() == eval_images.to_dict()


def store_results(trial: TrialFolder, seed: int) -> None:
    trial.write_epochs([])
    trial.write_validation(predictions(seed))
    trial.weights_file.write_bytes(b"weights")


def test_taken_results_need_no_space_and_outlive_the_trial_they_were_taken_from(tmp_path):
    first, second = start(tmp_path, "first").trial("a"), start(tmp_path, "second").trial("b")
    store_results(first, 0)
    second.path.mkdir()
    for _ in range(2):
        second.take_results(first)
    assert second.weights_file.samefile(first.weights_file)
    names = ["epochs.json", "validation.npz", "weights.safetensors"]
    assert sorted(file.name for file in second.path.iterdir()) == names
    store_results(first, 1)
    assert np.array_equal(second.read_validation().values, predictions(0).values)


def test_stored_file_is_copied_where_no_link_can_be_made(tmp_path):
    (tmp_path / "stored").write_bytes(b"stored")
    (tmp_path / ".taken-link").touch()  # as a killed process left it
    link_or_copy(tmp_path / "stored", tmp_path / "taken")
    assert (tmp_path / "taken").read_bytes() == b"stored"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["stored", "taken"]
