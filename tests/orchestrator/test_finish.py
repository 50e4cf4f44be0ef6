"""At the end the best trials keep their weights, and what is told to type next is right."""

from pathlib import Path

import pytest

from orchestrator.finish import best_trials, how_to_resume, summary
from orchestrator.progress import SearchGoal, SearchProgress
from orchestrator.watch import keep_best_weights
from trainable.records import EpochRecord
from trainable.store import ExperimentFolder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "results" / "faces").mkdir(parents=True)
    return ExperimentFolder(tmp_path / "results" / "faces")


def search(folder, **trials):
    """Each trial's status and best score; all have weights."""
    progress = SearchProgress(SearchGoal(folder.name, trials=9, epochs=3, started=0.0))
    for name, (status, score) in trials.items():
        progress = progress.trial_started(name, {}).epoch_finished(name, epoch(score))
        progress = progress.trial_ended(name, status)
        folder.trial(name).path.mkdir(parents=True)
        folder.trial(name).weights_file.touch()
    return progress


def epoch(score):
    metrics = {"macro_f1": score}
    return EpochRecord(epoch=1, metrics=metrics, train_loss=1.0, lr=0.1, seconds={})


def kept(folder):
    return {file.parent.name for file in folder.path.glob("*/weights.safetensors")}


def test_weights_of_all_but_the_best_are_deleted(folder):
    ended = {"a": 0.1, "b": 0.4, "c": 0.2, "d": 0.3}
    progress = search(folder, **{name: ("completed", score) for name, score in ended.items()})
    keep_best_weights(folder, progress, keep=2)
    assert kept(folder) == {"b", "d"}


def test_fewer_trials_than_are_kept_keep_all(folder):
    progress = search(folder, a=("completed", 0.1), b=("stopped", 0.2))
    keep_best_weights(folder, progress, keep=5)
    assert kept(folder) == {"a", "b"}


def test_of_equal_trials_the_one_that_is_called_the_best_keeps_its_weights(folder):
    progress = search(folder, a=("completed", 0.2), b=("completed", 0.2))
    keep_best_weights(folder, progress, keep=1)
    assert progress.best.trial == "a"
    assert kept(folder) == {"a"}


def test_best_trials_ended_well_and_have_weights(folder):
    progress = search(
        folder,
        a=("stopped", 0.2),
        b=("completed", 0.3),
        c=("failed", 0.9),
        d=("completed", 0.8),
        e=("running", 0.7),
    )
    folder.trial("d").weights_file.unlink()
    assert best_trials(progress, folder, 5) == ["b", "a"]
    assert best_trials(progress, folder, 1) == ["b"]


def test_failed_trial_is_not_told_as_the_best(folder):
    progress = search(folder, a=("completed", 0.2), b=("failed", 0.9))
    assert "best a with macro-F1 0.2000" in summary(progress, folder, predicted=1)


def test_search_without_an_epoch_tells_that_there_is_no_best(folder):
    progress = SearchProgress(SearchGoal("faces", trials=1, epochs=3, started=0.0))
    told = summary(progress, folder, predicted=0)
    assert "best none: no trial finished an epoch" in told


def test_commands_to_type_next_name_the_runs_folder(folder):
    told = summary(search(folder, a=("completed", 0.2)), folder, predicted=1)
    where = f" --runs {folder.path.parent}"
    assert f"python -m analysis.leaderboard{where}" in told
    assert f"python -m analysis.report{where}" in told
    assert f"python -m analysis.ensemble --top 1{where}" in told


def test_default_runs_folder_need_not_be_named():
    plain = ExperimentFolder(Path("runs/faces"))
    progress = SearchProgress(SearchGoal("faces", trials=1, epochs=3, started=0.0))
    assert "--runs" not in summary(progress, plain, predicted=3)
    assert "search.runs" not in how_to_resume(progress, plain, "orchestrator.search")


def test_folder_called_runs_elsewhere_is_named(tmp_path):
    folder = ExperimentFolder(tmp_path / "runs" / "faces")
    progress = SearchProgress(SearchGoal("faces", trials=1, epochs=3, started=0.0))
    assert f"--runs {tmp_path / 'runs'}" in summary(progress, folder, predicted=3)
    assert f"search.runs={tmp_path / 'runs'}" in how_to_resume(
        progress, folder, "orchestrator.search"
    )


def test_interrupted_search_tells_what_is_kept_and_how_to_go_on(folder):
    told = how_to_resume(
        search(folder, a=("running", 0.2), b=("stopped", 0.1)), folder, "orchestrator.search"
    )
    assert "2 epochs of 2 trials are kept" in told
    assert f"resume=faces search.runs={folder.path.parent}" in told
