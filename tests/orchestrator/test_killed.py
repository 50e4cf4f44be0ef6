"""A process that dies takes nothing with it: neither its search nor a finished epoch."""

import os
import signal
from contextlib import chdir
from dataclasses import dataclass

import numpy as np
import pytest
from safetensors.torch import load_file
from searches import Epochs, Searched, meanwhile, run_search, stored_epochs

from trainable.store import ExperimentFolder

TRIALS, EPOCHS = 2, 5


@dataclass(frozen=True)
class Killed:
    """A search over whose first trial's process was killed, and the epochs stored until then."""

    search: Searched
    process: int
    trial: str
    before: Epochs


@pytest.fixture(scope="session")
def killed(cluster_words, tmp_path_factory) -> Killed:
    """Two folds, nobody stopped early; the process that first stores two epochs is killed.

    Its folder of runs is named from where the driver is, which is not where the cluster is.
    """
    runs = tmp_path_factory.mktemp("runs-of-killed")
    folder = ExperimentFolder(runs / "killed")
    killing = []

    def kill() -> bool:
        ready = [trial for trial in folder.trials() if len(trial.read_epochs()) >= 2]
        for trial in ready[:1]:
            process, epochs = trial.read().record.machine.process, stored_epochs(folder)
            os.kill(process, signal.SIGKILL)
            killing.append((process, trial.name, epochs))
        return bool(killing)

    words = [
        *(*cluster_words, "cv.folds=2", "scheduler=fifo", f"search.trials={TRIALS}"),
        *(f"train.epochs={EPOCHS}", "search.keep=1"),
        *("search.name=killed", f"search.runs={runs.name}"),
    ]
    with meanwhile(kill), chdir(runs.parent):
        found = run_search(words)
    assert killing, found.printed
    return Killed(found, *killing[0])


def test_search_finishes_though_a_process_was_killed(killed):
    assert killed.search.code == 0
    assert f"{TRIALS} completed, 0 stopped early, 0 failed" in killed.search.printed
    assert all(trial.outcome.reason == "" for trial in killed.search.trials.values())


def test_killed_trial_goes_on_in_another_process(killed):
    machine = killed.search.trials[killed.trial].record.machine
    assert machine.process != killed.process


def test_no_finished_epoch_is_lost_with_its_process(killed):
    assert len(killed.before[killed.trial]) >= 2
    for name, before in killed.before.items():
        after = killed.search.trials[name].epochs
        assert [epoch.metrics for epoch in after[: len(before)]] == [e.metrics for e in before]


def test_without_early_stopping_every_trial_trains_all_epochs(killed):
    for trial in killed.search.trials.values():
        assert [epoch.epoch for epoch in trial.epochs] == list(range(1, EPOCHS + 1))


def test_folds_pool_the_predictions_of_all_persons(killed):
    images = killed.search.folder.read_images()
    for trial in killed.search.folder.trials():
        found = trial.read_validation()
        assert sorted(found.rows) == list(images.index)
        assert np.allclose(found.values.astype(float).sum(1), 1, atol=0.01)


def test_weights_of_all_folds_are_kept(killed):
    (kept,) = [trial for trial in killed.search.folder.trials() if trial.has_weights()]
    assert {name.partition(".")[0] for name in load_file(kept.weights_file)} == {"0", "1"}


def test_relative_folder_of_runs_is_the_same_for_all_processes(killed):
    (kept,) = [trial for trial in killed.search.folder.trials() if trial.has_weights()]
    assert len(kept.read_eval().rows) == len(killed.search.folder.read_eval_images())
