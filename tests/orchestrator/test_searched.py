"""What one search on a real cluster leaves behind, and what other commands make of it."""

import json
import math
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import ensemble, leaderboard
from analysis.report import __main__ as report
from trainable import fit
from trainable.labels import CLASS_COUNT

COMMANDS = {
    "analysis.leaderboard": leaderboard.app,
    "analysis.report": report.app,
    "analysis.ensemble": ensemble.app,
}
KEPT = 2


def with_status(searched, *statuses):
    return {
        name: trial for name, trial in searched.trials.items() if trial.outcome.status in statuses
    }


def best_first(searched):
    scored = {name: trial for name, trial in searched.trials.items() if trial.best}
    return sorted(scored, key=lambda name: scored[name].best.score, reverse=True)


def run_command(name, *words):
    result = CliRunner().invoke(COMMANDS[name], words)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_every_asked_trial_has_an_outcome(searched):
    assert list(searched.trials) == [f"trial-{number:03d}" for number in range(1, 6)]
    assert set(with_status(searched, "completed", "stopped", "failed")) == set(searched.trials)
    assert searched.code == 0


def test_lost_loss_fails_its_own_trial_alone_and_names_the_learning_rate(searched):
    diverged = [name for name, t in searched.trials.items() if t.record.values["optim.lr"] > 1]
    failed = with_status(searched, "failed")
    assert list(failed) == diverged
    assert all("optim.lr=1e+30" in trial.outcome.reason for trial in failed.values())


def test_failed_trial_is_last_on_the_leaderboard_with_its_reason(searched):
    runs = str(searched.folder.path.parent)
    places = json.loads(run_command("analysis.leaderboard", "--runs", runs, "--format", "json"))
    assert [place["rank"] for place in places] == [1, 2, 3, 4, None]
    assert [place["trial"] for place in places[:-1]] == best_first(searched)
    assert "optim.lr=1e+30" in places[-1]["reason"]


def test_stopped_trials_have_fewer_epochs_than_asked_and_completed_ones_all(searched):
    stopped, completed = with_status(searched, "stopped"), with_status(searched, "completed")
    assert stopped
    assert completed
    assert {len(trial.epochs) for trial in stopped.values()} == {3}
    assert {len(trial.epochs) for trial in completed.values()} == {4}


def test_each_trial_is_the_base_with_the_values_that_were_drawn_for_it(searched):
    for trial in searched.trials.values():
        record = trial.record
        assert record.values
        assert record.config == record.config.with_values(record.values)
        assert record.config.train.epochs == 4


def test_processes_are_reused(searched):
    processes = {trial.record.machine.process for trial in searched.trials.values()}
    assert len(processes) <= 2


def test_all_trials_are_judged_on_the_same_persons(searched):
    images = searched.folder.read_images()
    judged = [
        tuple(searched.folder.trial(name).read_validation().rows) for name in best_first(searched)
    ]
    assert len(judged) == 4
    assert len(set(judged)) == 1
    assert images.loc[list(judged[0]), "person"].nunique() == 6


def test_weights_are_kept_for_the_best_trials_of_the_experiment_only(searched):
    scores = [searched.trials[name].best.score for name in best_first(searched)]
    kept = {trial.name for trial in searched.folder.trials() if trial.has_weights()}
    assert best_first(searched)[0] in kept
    assert sorted(searched.trials[name].best.score for name in kept) == scores[KEPT - 1 :: -1]


def test_each_trial_that_kept_weights_has_a_valid_row_for_each_eval_image(searched):
    trials = searched.folder.trials()
    predicted = [trial for trial in trials if trial.has_eval()]
    assert predicted == [trial for trial in trials if trial.has_weights()]
    for trial in predicted:
        found = trial.read_eval()
        assert list(found.rows) == list(range(len(searched.folder.read_eval_images())))
        assert found.values.shape[1] == CLASS_COUNT
        assert np.isfinite(found.values).all()
        assert np.allclose(found.values.astype(float).sum(1), 1, atol=0.01)


def test_no_checkpoint_of_ray_is_left(searched):
    assert not list(searched.folder.path.rglob("*checkpoint*"))


def test_latest_names_the_search(searched):
    assert (searched.folder.path.parent / "latest").readlink() == Path(searched.folder.name)


def test_name_of_the_search_is_its_time_and_its_space(searched):
    day, clock, space = searched.folder.name.split("-")
    assert (len(day), len(clock), space) == (8, 6, "loss_aug")


def test_record_holds_what_was_asked_of_which_data_by_which_versions(searched):
    record = searched.folder.read_record()
    assert record.question.startswith("Which loss")
    assert "search.trials=5" in record.words
    assert record.settings["search"]["keep"] == KEPT
    assert "1e+30" in record.space["optim.lr"]
    assert len(record.data_fingerprint) == 16
    assert {"code", "torch", "ray", "optuna"} <= set(record.versions)
    assert len(record.started) == 1


def test_tensorboard_has_a_run_for_each_trial(searched):
    runs = {file.parent.name for file in searched.folder.tensorboard.glob("*/*tfevents*")}
    assert runs == set(searched.trials)


def test_each_ended_trial_is_said_once(searched):
    lines = searched.printed.splitlines()
    for name, trial in searched.trials.items():
        said = [line for line in lines if line.startswith(f"{name} ")]
        assert len(said) == 1
        assert said[0].startswith(f"{name} {trial.outcome.status}, {len(trial.epochs)}/4 epochs")


def test_best_trial_is_told_at_the_end(searched):
    name = best_first(searched)[0]
    best = searched.trials[name].best
    told = f"best {name} with macro-F1 {best.score:.4f} at epoch {best.epoch}"
    assert told in searched.printed


def test_commands_to_type_next_are_told_and_are_right(searched):
    told = [shlex.split(line) for line in searched.printed.partition("Next:")[2].splitlines()]
    tensorboard, *others = filter(None, told)
    assert tensorboard[:2] == ["tensorboard", "--logdir"]
    assert list(Path(tensorboard[2]).glob("trial-*/*tfevents*"))
    assert [words[:3] for words in others] == [["python", "-m", name] for name in COMMANDS]
    for _, _, name, *words in others:
        run_command(name, *words)


def test_ensemble_of_the_searched_answers_each_eval_image(searched, tmp_path):
    runs, out = str(searched.folder.path.parent), tmp_path / "submission.csv"
    run_command("analysis.ensemble", "--top", "2", "--runs", runs, "--out", str(out))
    submission = pd.read_csv(out)
    assert list(submission["ImageID"]) == list(searched.folder.read_eval_images()["ImageID"])
    assert submission["ans"].between(0, CLASS_COUNT - 1).all()


@pytest.mark.parametrize("place", [0, 1])
def test_searched_trial_comes_out_the_same_without_ray(searched, place, tmp_path, capsys):
    name = best_first(searched)[place]
    replayed = f"replay={searched.folder.path}/{name}"
    assert fit.main([replayed, f"search.runs={tmp_path}"]) == 0
    epochs = len(searched.trials[name].epochs)
    assert f"all {epochs} epochs gave the same metrics again" in capsys.readouterr().out


def test_epochs_are_numbered_and_timed(searched):
    for trial in searched.trials.values():
        assert [epoch.epoch for epoch in trial.epochs] == list(range(1, len(trial.epochs) + 1))
        assert all(0 < epoch.epoch_seconds < searched.seconds for epoch in trial.epochs)
        assert all(math.isfinite(epoch.train_loss) for epoch in trial.epochs)
