"""Each mistake of a user's ends with one `error:` line and exit code 2, never a traceback."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import ensemble, leaderboard
from trainable.arrays import Probabilities

APPS = pytest.mark.parametrize("app", [leaderboard.app, ensemble.app])


def error_of(result) -> str:
    assert (result.exit_code, result.stdout) == (2, "")
    assert isinstance(result.exception, SystemExit)
    message = result.stderr.splitlines()[-1]
    assert message.startswith("error: ")
    return message


@APPS
def test_missing_runs_folder_names_the_command_that_makes_one(app, tmp_path):
    message = error_of(CliRunner().invoke(app, ["--runs", str(tmp_path / "none")]))
    assert "orchestrator.search" in message


@APPS
def test_misspelt_experiment_names_the_near_one(app, experiment):
    words = ["--runs", str(experiment.path.parent), "--experiment", "facse"]
    assert "did you mean faces" in error_of(CliRunner().invoke(app, words))


@APPS
def test_experiment_without_trials_says_so(app, experiment):
    for file in experiment.path.glob("*/trial.json"):
        file.unlink()
    message = error_of(CliRunner().invoke(app, ["--runs", str(experiment.path.parent)]))
    assert "no trial of faces" in message


def test_damaged_experiment_is_named(run_leaderboard, experiment):
    (experiment.path / "experiment.json").write_text("{}")
    assert "experiment.json" in error_of(run_leaderboard())


@pytest.mark.parametrize("top", ["0", "-1", "4"])
def test_impossible_top_says_how_many_trials_have_finished(run_ensemble, top):
    message = error_of(run_ensemble("--top", top))
    assert f"--top {top}: faces has 3 finished trials" in message


def test_top_and_trials_exclude_each_other(run_ensemble):
    assert "not both" in error_of(run_ensemble("--top", "2", "--trials", "early"))


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ("stedy", "did you mean steady"),
        ("early,early", "once"),
        ("broken", "the loss became infinite"),
        ("going", "still running"),
        ("waiting", "not finished an epoch"),
    ],
)
def test_named_trial_that_cannot_vote_is_refused(run_ensemble, add_trial, trials, said):
    add_trial("going", "running", [0.99])
    add_trial("waiting", "running", [])
    assert said in error_of(run_ensemble("--trials", trials))


def test_running_trial_is_not_among_the_best(run_ensemble, add_trial):
    add_trial("going", "running", [0.99])
    assert "1 to 3" in error_of(run_ensemble("--top", "4"))


def test_trials_that_scored_different_persons_are_named_and_counted(run_ensemble, experiment):
    for name, first, end in (("peaked", 14, 84), ("steady", 0, 63)):
        found = experiment.trial(name).read_validation()
        kept = (found.rows >= first) & (found.rows < end)
        part = Probabilities(found.rows[kept], found.values[kept])
        experiment.trial(name).write_validation(part)
    message = error_of(run_ensemble())
    assert "steady scored 63 images of 9 persons" in message
    assert "peaked scored 70 images of 10 persons, 7 persons in common" in message
    assert "cv.seed" in message


def test_as_many_but_different_images_are_refused_too(run_ensemble, experiment):
    for name, first in (("peaked", 0), ("steady", 7), ("early", 0)):
        found = experiment.trial(name).read_validation()
        kept = (found.rows >= first) & (found.rows < first + 70)
        part = Probabilities(found.rows[kept], found.values[kept])
        experiment.trial(name).write_validation(part)
    assert "9 persons in common" in error_of(run_ensemble())


def test_trial_without_eval_probabilities_names_the_command(run_ensemble, experiment):
    (experiment.path / "steady" / "eval.npz").unlink()
    message = error_of(run_ensemble())
    assert "steady" in message
    assert "trainable.predict" in message


@pytest.mark.parametrize("name", ["validation.npz", "eval.npz"])
@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half", b"text"])
def test_damaged_array_file_is_named(run_ensemble, experiment, name, damage):
    (experiment.path / "steady" / name).write_bytes(damage)
    assert f"steady/{name}" in error_of(run_ensemble())


def test_truncated_array_file_is_named(run_ensemble, experiment):
    file = experiment.path / "steady" / "eval.npz"
    file.write_bytes(file.read_bytes()[:-30])
    assert "steady/eval.npz" in error_of(run_ensemble())


@pytest.mark.parametrize("bad", ["nan", "narrow", "beyond", "twice"])
def test_probabilities_that_do_not_fit_the_images_name_the_trial(run_ensemble, experiment, bad):
    rows, values = np.arange(84, dtype=np.int32), np.full((84, 18), 1 / 18, np.float16)
    if bad == "nan":
        values[3] = np.nan
    if bad == "narrow":
        values = values[:, :8]
    if bad == "beyond":
        rows[83] = 84
    if bad == "twice":
        rows[83] = 0
    experiment.trial("steady").write_validation(Probabilities(rows, values))
    message = error_of(run_ensemble())
    assert "steady do not fit the 84 images" in message


def test_eval_images_left_out_by_a_trial_are_counted(run_ensemble, experiment):
    found = experiment.trial("steady").read_eval()
    experiment.trial("steady").write_eval(Probabilities(found.rows[:8], found.values[:8]))
    assert "steady predicted 8 of the 10 eval images" in error_of(run_ensemble())


def test_damaged_trial_among_the_best_is_left_out_loudly(run_ensemble, experiment):
    (experiment.path / "peaked" / "epochs.json").write_text("[{")
    result = run_ensemble("--top", "2")
    assert result.exit_code == 0
    assert "warning: peaked is left out" in result.stderr


def test_damaged_trial_asked_for_by_name_is_an_error(run_ensemble, experiment):
    (experiment.path / "peaked" / "epochs.json").write_text("[{")
    assert "peaked/epochs.json" in error_of(run_ensemble("--trials", "peaked,early"))


def test_experiment_without_eval_images_has_nothing_to_submit(run_ensemble, experiment):
    nothing = experiment.read_eval_images().iloc[:0]
    experiment.write_images(experiment.read_images(), nothing)
    assert "no eval images" in error_of(run_ensemble())


def test_missing_table_of_eval_images_is_named(run_ensemble, experiment):
    (experiment.path / "eval_images.csv").unlink()
    assert "eval_images.csv: No such file" in error_of(run_ensemble())


def test_answers_that_miss_an_eval_image_name_it(run_ensemble, answers_file):
    answers = pd.read_csv(answers_file)
    answers[answers["ImageID"] != "003.jpg"].to_csv(answers_file, index=False)
    message = error_of(run_ensemble())
    assert "1 of the 10 eval images" in message
    assert "003.jpg" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No columns"),
        ("a,b\n1,2\n", "ImageID"),
        ("ImageID,ans\na,x\n", "columns ImageID,ans"),
        ("ImageID,ans\na,18\n", "from 0 to 17"),
        ("ImageID,ans\na,1\na,2\n", "a twice"),
    ],
)
def test_answers_that_are_no_answers_say_why(run_ensemble, answers_file, text, said):
    answers_file.write_text(text)
    message = error_of(run_ensemble())
    assert "answers.csv" in message
    assert said in message


def test_submission_that_cannot_be_written_says_why(run_ensemble, tmp_path):
    assert "cannot store" in error_of(run_ensemble("--out", str(tmp_path)))


def test_nothing_is_submitted_after_an_error(run_ensemble, experiment):
    (experiment.path / "steady" / "validation.npz").unlink()
    assert "validation.npz" in error_of(run_ensemble())
    assert not (experiment.path / "submission.csv").exists()


@APPS
def test_unknown_option_is_refused(app):
    assert CliRunner().invoke(app, ["--tpo", "3"]).exit_code == 2
