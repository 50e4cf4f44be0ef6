"""Every epoch is stored when it is finished, and a trial is kept as it was at its best.

Whenever it is killed it goes on from the last epoch whose state was written.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from trainable import trial_folder
from trainable.arrays import Probabilities
from trainable.checkpoint import load_state, read_notes, save_state
from trainable.config import TrialConfig
from trainable.experiment import versions
from trainable.fitting import Fit
from trainable.recorded import RecordedFit, write_weights
from trainable.records import EpochRecord
from trainable.settings import UserError
from trainable.storage_errors import StorageError
from trainable.store import experiment_of
from trainable.trial_folder import BusyTrialError, TrialFolder


@pytest.fixture
def folder(tmp_path) -> TrialFolder:
    (tmp_path / "experiment").mkdir()
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
    folder.path.mkdir()
    write_weights(trained.recorded.fit, folder.weights_file)
    stored = load_file(folder.weights_file)
    for name, value in trained.recorded.fit.weights().items():
        assert torch.equal(stored[name], value)


def test_best_score_is_nothing_before_the_first_epoch(tiny, folder):
    assert RecordedFit(tiny, folder, {}).best_score == 0


def test_trial_that_has_not_begun_leaves_no_record(tiny, folder):
    with closing(RecordedFit(tiny, folder, {})) as fit:
        assert experiment_of(folder).trials() == []
        fit.step()
    assert experiment_of(folder).trials() == [folder]


def test_trial_goes_on_in_another_fit_as_if_it_had_never_stopped(two_folds, trained, folder):
    with closing(RecordedFit(two_folds, folder, {})) as first:
        first.step()
    with closing(RecordedFit(two_folds, folder, {})) as second:
        assert [alike(epoch) for epoch in second.epochs] == [alike(trained.epochs[0])]
        assert second.best_score == trained.epochs[0].score
        second.step()
        assert second.fit.finished
        assert second.notice == ""
    assert as_stored(folder) == as_stored(trained.folder)


def test_trial_that_has_trained_all_its_epochs_is_finished_when_it_is_opened_again(
    two_folds, trained, folder
):
    shutil.copytree(trained.folder.path, folder.path)
    with closing(RecordedFit(two_folds, folder, {})) as again:
        assert again.fit.finished
        assert again.epochs == list(trained.epochs)


@pytest.fixture(scope="module")
def undisturbed(tiny, tmp_path_factory) -> object:
    """What is stored of a trial that nothing happened to."""
    folder = TrialFolder(tmp_path_factory.mktemp("experiment") / "trial-001")
    train_to_the_end(tiny, folder)
    return as_stored(folder)


class Killed(BaseException):
    """The process ends here."""


WRITES_BEFORE_THE_FIRST_EPOCH = 2
PREVIOUS = "state.previous.safetensors"
WRITES_OF_AN_EPOCH = ("validation.npz", "weights.safetensors", "state.safetensors", "epochs.json")


@pytest.mark.parametrize("has_happened", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(WRITES_BEFORE_THE_FIRST_EPOCH + len(WRITES_OF_AN_EPOCH)))
def test_killed_at_any_write_it_ends_as_an_undisturbed_trial(
    tiny, undisturbed, folder, monkeypatch, number, has_happened
):
    trained_epochs = count_trained_epochs(monkeypatch)
    written = kill_at_write(monkeypatch, number, has_happened=has_happened)
    with pytest.raises(Killed):
        train_to_the_end(tiny, folder)
    committed = "state.safetensors" in written
    train_to_the_end(tiny, folder)
    assert as_stored(folder) == undisturbed
    began = number >= WRITES_BEFORE_THE_FIRST_EPOCH
    assert trained_epochs == ([0, 0, 1] if began and not committed else [0, 1])


def count_trained_epochs(monkeypatch) -> list[int]:
    train_epoch, trained_epochs = Fit.train_epoch, list[int]()

    def counted(fit: Fit):
        trained_epochs.append(fit.epoch)
        return train_epoch(fit)

    monkeypatch.setattr(Fit, "train_epoch", counted)
    return trained_epochs


def kill_at_write(monkeypatch, number: int, *, has_happened: bool) -> Sequence[str]:
    """Let the ``number``-th file that takes its name kill; return the names that were taken."""
    replace, written, seen = os.replace, list[str](), list[str]()

    def killing(source, target):
        seen.append(target.name)
        if len(seen) != number + 1 or has_happened:
            replace(source, target)
            written.append(target.name)
        if len(seen) == number + 1:
            raise Killed

    monkeypatch.setattr(os, "replace", killing)
    return written


def train_to_the_end(config: TrialConfig, folder: TrialFolder) -> None:
    with closing(RecordedFit(config, folder, {})) as fit:
        while not fit.fit.finished:
            fit.step()


def alike(epoch: EpochRecord) -> EpochRecord:
    """Return an epoch without what the clock and the process's memory say."""
    return epoch.model_copy(update={"seconds": {}, "memory_bytes": 0})


def as_stored(folder: TrialFolder) -> object:
    probabilities, weights = folder.read_validation(), load_file(folder.weights_file)
    return (
        [alike(epoch) for epoch in folder.read_epochs()],
        (probabilities.rows.tolist(), probabilities.values.tolist()),
        {name: value.tolist() for name, value in weights.items()},
    )


KILL_ITSELF = """
import os, signal, sys
from pathlib import Path
from trainable import recorded, trial_folder
from trainable.config import TrialConfig

def killed(tensors, file, header):
    Path(file).write_bytes(b"half a state")
    os.kill(os.getpid(), signal.SIGKILL)

config = TrialConfig.model_validate_json(sys.argv[1])
fit = recorded.RecordedFit(config, trial_folder.TrialFolder(Path(sys.argv[2])), {})
fit.step()
recorded.save_state.__globals__["save_file"] = killed
fit.step()
"""


def test_process_that_is_killed_while_it_writes_leaves_no_lock_and_no_rest(tiny, folder):
    command = [sys.executable, "-c", KILL_ITSELF, tiny.model_dump_json(), str(folder.path)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert list(folder.path.glob(".state.safetensors-*"))
    with closing(RecordedFit(tiny, folder, {})) as fit:
        assert [epoch.epoch for epoch in fit.epochs] == [1]
        assert not list(folder.path.glob(".state.safetensors-*"))


def test_epochs_file_is_made_to_agree_with_the_state(tiny, folder):
    with closing(RecordedFit(tiny, folder, {})) as fit:
        fit.step()
    folder.write_epochs([])
    with closing(RecordedFit(tiny, folder, {})) as fit:
        assert folder.read_epochs() == fit.epochs != []


@pytest.fixture
def stopped(tiny, folder) -> TrialFolder:
    """A trial that has trained one epoch."""
    with closing(RecordedFit(tiny, folder, {})) as fit:
        fit.step()
    return folder


def test_state_of_other_settings_is_not_gone_on_with_and_this_is_said(tiny, stopped):
    other = tiny.with_values({"optim.lr": 0.02})
    with closing(RecordedFit(other, stopped, {})) as fit:
        assert (fit.epochs, fit.fit.epoch) == ([], 0)
        assert "other settings, labels or crops: trial-001 starts anew" in fit.notice
        assert stopped.read().record.config == tiny
        fit.step()
        results = stopped.read()
        assert (results.record.config, results.epochs) == (other, fit.epochs)
    with closing(RecordedFit(other, stopped, {})) as fit:
        assert (len(fit.epochs), fit.notice) == (1, "")


def test_state_of_other_labels_is_not_gone_on_with(tiny, stopped):
    file = stopped.state_file
    save_state(load_state(file), file, {**read_notes(file), "views": '{"": "other"}'})
    with closing(RecordedFit(tiny, stopped, {})) as fit:
        assert "other settings, labels or crops" in fit.notice
        assert fit.epochs == []


@pytest.mark.parametrize("size", [0, 1000, -1])
def test_half_a_state_is_said_and_the_trial_starts_anew(tiny, stopped, size):
    os.truncate(stopped.state_file, size % stopped.state_file.stat().st_size)
    with closing(RecordedFit(tiny, stopped, {})) as fit:
        assert fit.epochs == []
        assert fit.notice.startswith(f"cannot read {stopped.state_file}: ")
        assert "trial-001 starts anew, and the predictions and weights" in fit.notice
        fit.step()
        assert stopped.read_epochs() == fit.epochs


@pytest.fixture
def twice(two_folds, folder) -> TrialFolder:
    """A trial of ``two_folds`` that has trained both its epochs."""
    train_to_the_end(two_folds, folder)
    return folder


@pytest.mark.parametrize("size", [0, 1000, -1])
def test_trial_whose_state_is_damaged_goes_on_from_the_one_before_and_this_is_said(
    two_folds, trained, twice, size
):
    os.truncate(twice.state_file, size % twice.state_file.stat().st_size)
    with closing(RecordedFit(two_folds, twice, {})) as fit:
        assert [epoch.epoch for epoch in fit.epochs] == [1]
        assert fit.notice.startswith(f"cannot read {twice.state_file}: ")
        assert fit.notice.endswith("trial-001 goes on from the state before it, of epoch 1")
        fit.step()
    assert as_stored(twice) == as_stored(trained.folder)
    with closing(RecordedFit(two_folds, twice, {})) as fit:
        assert (fit.fit.finished, fit.notice) == (True, "")


def test_damaged_state_never_takes_the_place_of_the_one_before(two_folds, twice, disk_full_after):
    os.truncate(twice.state_file, 1000)
    no_room = pytest.raises(StorageError)
    with closing(RecordedFit(two_folds, twice, {})) as fit, disk_full_after(100_000), no_room:
        fit.step()
    with closing(RecordedFit(two_folds, twice, {})) as fit:
        assert ([epoch.epoch for epoch in fit.epochs], fit.notice) == ([1], "")


def test_trial_whose_states_are_both_damaged_starts_anew_and_both_are_named(two_folds, twice):
    for file in twice.states():
        os.truncate(file, 1000)
    with closing(RecordedFit(two_folds, twice, {})) as fit:
        assert fit.epochs == []
        assert f"cannot read {twice.state_file}: " in fit.notice
        assert f"cannot read {twice.path / PREVIOUS}: " in fit.notice
        assert "trial-001 starts anew" in fit.notice


def test_state_before_one_of_other_settings_is_not_gone_on_with(tiny, stopped):
    with closing(RecordedFit(tiny.with_values({"optim.lr": 0.02}), stopped, {})) as other:
        other.step()
    assert len(stopped.states()) == 2
    with closing(RecordedFit(tiny, stopped, {})) as fit:
        assert fit.epochs == []
        assert "other settings, labels or crops: trial-001 starts anew" in fit.notice


def rewrite(file: Path, code: str, **changed: object) -> None:
    """Write a state as other code might have done it."""
    state, notes = load_state(file), {**read_notes(file), "code": code}
    save_state(state | changed, file, notes)


def test_state_of_other_code_is_gone_on_with_where_it_fits(two_folds, twice):
    assert read_notes(twice.state_file)["code"] == versions()["code"]
    rewrite(twice.state_file, "other")
    with closing(RecordedFit(two_folds, twice, {})) as fit:
        assert (len(fit.epochs), fit.notice) == (2, "")


NO_NETWORK = {"networks": [{"model": {}, "updates": {}}] * 2}


@pytest.mark.parametrize("changed", [{"kept": {}}, NO_NETWORK], ids=["KeyError", "RuntimeError"])
def test_state_of_other_code_that_does_not_fit_is_told_and_the_one_before_is_used(
    two_folds, trained, twice, changed
):
    rewrite(twice.state_file, "other", **changed)
    with closing(RecordedFit(two_folds, twice, {})) as fit:
        assert fit.notice.startswith(f"cannot use {twice.state_file}, which other code has written")
        assert fit.fit.epoch == len(fit.epochs) == 1
        fit.step()
    assert as_stored(twice) == as_stored(trained.folder)


def test_state_of_this_code_that_does_not_fit_is_our_mistake(two_folds, twice):
    rewrite(twice.state_file, versions()["code"], kept={})
    with pytest.raises(KeyError):
        RecordedFit(two_folds, twice, {})


def test_eval_predictions_of_an_epoch_that_is_the_best_no_longer_are_deleted(tiny, folder):
    with closing(RecordedFit(tiny, folder, {})) as fit:
        folder.write_eval(Probabilities(np.arange(2, dtype=np.int32), np.zeros((2, 18))))
        fit.step()
        assert not folder.has_eval()
        folder.write_eval(Probabilities(np.arange(2, dtype=np.int32), np.zeros((2, 18))))
        better = fit.epochs[0].model_copy(update={"folds": 9})
        fit.epochs = [better]
        fit.step()
        assert folder.has_eval()


def test_trial_whose_state_is_discarded_starts_anew(tiny, stopped):
    assert stopped.has_state()
    stopped.discard_state()
    assert not stopped.has_state()
    with closing(RecordedFit(tiny, stopped, {})) as fit:
        assert (fit.epochs, fit.notice) == ([], "")


def test_state_says_the_epochs_to_whoever_reads_its_header(stopped):
    notes = read_notes(stopped.state_file)
    assert json.loads(notes["epochs"])[0]["epoch"] == 1
    assert load_state(stopped.state_file)["epoch"] == 1


def test_two_processes_do_not_train_the_same_trial(tiny, folder, monkeypatch):
    monkeypatch.setattr(trial_folder, "LOCK_SECONDS", 0.1)
    first = RecordedFit(tiny, folder, {})
    with pytest.raises(BusyTrialError, match="trial-001 is being trained by another process"):
        RecordedFit(tiny, folder, {})
    first.close()
    RecordedFit(tiny, folder, {}).close()


def test_trial_that_was_let_go_is_taken_again(tiny, folder):
    with closing(RecordedFit(tiny, folder, {})) as fit:
        fit.step()
        fit.close()
        fit.reopen()
        assert fit.step().epoch == 2


def test_trial_that_another_process_went_on_with_is_not_taken_again(tiny, folder):
    first = RecordedFit(tiny, folder, {})
    first.step()
    first.close()
    with closing(RecordedFit(tiny, folder, {})) as other:
        other.step()
    with pytest.raises(BusyTrialError, match="another process has gone on with"):
        first.reopen()


def test_trial_waits_for_a_predecessor_that_is_about_to_end(tiny, folder):
    predecessor = RecordedFit(tiny, folder, {})
    timer = threading.Timer(0.3, predecessor.close)
    timer.start()
    RecordedFit(tiny, folder, {}).close()
    timer.join()


def test_trial_that_cannot_be_built_is_let_go(tiny, folder):
    with pytest.raises(UserError):
        RecordedFit(tiny.with_values({"cv.folds": 12}), folder, {})
    RecordedFit(tiny, folder, {}).close()


def test_loader_processes_do_not_keep_a_trial_to_themselves(tiny, folder):
    with closing(RecordedFit(tiny.with_values({"machine.loaders": 1}), folder, {})) as fit:
        fit.step()
        fit.close()
        RecordedFit(tiny, folder, {}).close()


def test_states_are_discarded_together(twice):
    assert [file.name for file in twice.states()] == ["state.safetensors", PREVIOUS]
    twice.discard_state()
    assert list(twice.path.glob("*state*")) == []


def test_state_that_cannot_be_written_leaves_the_last_one(tiny, stopped, disk_full_after):
    before = stopped.state_file.read_bytes()
    with closing(RecordedFit(tiny, stopped, {})) as fit, disk_full_after(100_000):
        with pytest.raises(StorageError, match=r"cannot store .*safetensors: .*File too large"):
            fit.step()
        assert len(fit.epochs) == 1
    assert stopped.state_file.read_bytes() == before
