import io
import json

import pandas as pd
import pytest

from analysis.confirmed import confirmed_trials
from analysis.results import load_experiment
from analysis.shrinkage import shrunken_trials
from trainable.trial_folder import TrialFolder


def test_trials_are_ranked_by_their_best_epoch_not_their_last(run_leaderboard):
    rows = json.loads(run_leaderboard("--format", "json").stdout)
    assert [row["trial"] for row in rows] == ["peaked", "steady", "early", "broken"]
    assert [row["best_epoch"] for row in rows] == [1, 2, 1, 1]


def test_failed_trial_is_last_without_a_rank_however_high_its_score(run_leaderboard):
    last = json.loads(run_leaderboard("--format", "json").stdout)[-1]
    assert (last["trial"], last["macro_f1"], last["rank"]) == ("broken", 0.9, None)
    assert last["reason"] == "the loss became infinite"


def score_over(folds: int, trial: TrialFolder) -> None:
    trial.write_epochs([epoch.model_copy(update={"folds": folds}) for epoch in trial.read_epochs()])


def test_score_over_more_folds_comes_before_a_higher_one_over_fewer(run_leaderboard, experiment):
    score_over(2, experiment.trial("early"))
    score_over(2, experiment.trial("broken"))
    rows = json.loads(run_leaderboard("--format", "json").stdout)
    found = [(row["trial"], row["folds"]) for row in rows]
    assert found == [("early", 2), ("peaked", 1), ("steady", 1), ("broken", 2)]


def test_folds_are_a_column_of_the_table_only_where_they_differ(run_leaderboard, experiment):
    assert "folds" not in run_leaderboard().stdout
    score_over(2, experiment.trial("early"))
    shown = run_leaderboard().stdout
    assert "folds" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_best_epoch_of_folds_in_turn_is_the_epoch_and_not_the_step(run_leaderboard, experiment):
    trial = experiment.trial("peaked")
    record, (first, last) = trial.read().record, trial.read_epochs()
    in_turn = record.config.with_values({"cv.folds": 2, "cv.fidelity": "folds"})
    trial.write_record(record.model_copy(update={"config": in_turn}))
    step = 2 * in_turn.train.epochs
    trial.write_epochs([first, last.model_copy(update={"epoch": step, "folds": 2})])
    row = json.loads(run_leaderboard("--format", "json").stdout)[0]
    assert (row["macro_f1"], row["best_epoch"], row["epochs"]) == (0.2, 1, 2)


def test_row_tells_metrics_epochs_seconds_and_chosen_values(run_leaderboard):
    first = json.loads(run_leaderboard("--format", "json").stdout)[0]
    assert first["macro_f1"] == first["accuracy"] == first["age_f1"] == 0.6
    assert (first["epochs"], first["seconds"], first["status"]) == (2, 6.0, "completed")
    assert first["values"] == {"optim.lr": 0.00123, "loss.name": "focal"}


def test_csv_has_a_column_for_each_chosen_value(run_leaderboard):
    table = pd.read_csv(io.StringIO(run_leaderboard("--format", "csv").stdout))
    assert table["optim.lr"].tolist() == [0.00123] * 4
    assert table["rank"].tolist()[:3] == [1, 2, 3]
    assert table["rank"].isna().tolist() == [False, False, False, True]


def test_table_of_100_columns_shows_question_settings_and_reason(run_leaderboard):
    lines = run_leaderboard().stdout.splitlines()
    assert max(map(len, lines)) <= 100
    shown = " ".join(" ".join(lines).split())
    for word in ("which loss?", "0.600", "1/2", " lr=0.00123", "infinite"):
        assert word in shown


def test_running_trial_without_an_epoch_stands_between_ranked_and_failed(
    run_leaderboard, add_trial
):
    add_trial("waiting", "running", [])
    rows = json.loads(run_leaderboard("--format", "json").stdout)
    assert [row["trial"] for row in rows[-2:]] == ["waiting", "broken"]
    assert rows[-2]["macro_f1"] is None


@pytest.mark.parametrize("name", ["trial.json", "epochs.json", "outcome.json"])
def test_damaged_trial_is_listed_with_the_file_to_blame(run_leaderboard, experiment, name):
    (experiment.path / "peaked" / name).write_text('{"trial": ')
    result = run_leaderboard("--format", "json")
    last = json.loads(result.stdout)[-1]
    assert (last["trial"], last["status"]) == ("peaked", "damaged")
    assert f"peaked/{name}" in last["reason"]


def test_epoch_without_a_score_makes_a_damaged_trial(run_leaderboard, experiment):
    file = experiment.path / "peaked" / "epochs.json"
    file.write_text(file.read_text().replace("macro_f1", "f1"))
    last = json.loads(run_leaderboard("--format", "json").stdout)[-1]
    assert (last["trial"], last["status"]) == ("peaked", "damaged")


def test_brackets_in_a_reason_are_printed_not_read_as_markup(run_leaderboard, experiment):
    file = experiment.path / "broken" / "outcome.json"
    file.write_text(file.read_text().replace("infinite", "[red]"))
    assert "[red]" in run_leaderboard().stdout


def test_shrunken_scores_stand_beside_scores_and_failed_trials_have_none(
    run_leaderboard, experiment
):
    expected = shrunken_trials(load_experiment(experiment.path.parent, "faces"))
    rows = json.loads(run_leaderboard("--format", "json").stdout)
    found = {row["trial"]: row["shrunken"] for row in rows}
    assert found == {"broken": None, **{name: one.estimate for name, one in expected.items()}}


def test_luck_of_the_best_is_named(run_leaderboard, experiment):
    best = shrunken_trials(load_experiment(experiment.path.parent, "faces"))["peaked"]
    shown = " ".join(run_leaderboard().stdout.split())
    said = f"on other persons expect hardly more than {best.estimate:.3f}."
    assert f"peaked is the best of 3, partly by luck: {said}" in shown


def test_scores_stay_where_they_cannot_be_shrunk(run_leaderboard, experiment):
    (experiment.path / "steady" / "validation.npz").unlink()
    result = run_leaderboard()
    assert "note: scores are not shrunk: cannot read" in result.stderr
    assert "0.600" in result.stdout
    assert "partly by luck" not in result.stdout


def test_search_points_to_its_confirmation(run_leaderboard, confirmation):
    shown = run_leaderboard("--experiment", "faces").stdout
    assert "faces-confirmed has trained the leaders again: --experiment faces-confirmed" in shown


def test_confirmation_shows_means_intervals_and_who_is_better(run_leaderboard, confirmation):
    shown = run_leaderboard("--experiment", "faces-confirmed").stdout
    steady = confirmed_trials(load_experiment(confirmation.path.parent, "faces-confirmed"))[0]
    line = next(line for line in shown.splitlines() if "steady" in line)
    better = steady.better["faces/peaked"]
    numbers = [steady.score, steady.spread, steady.low, steady.high, steady.unseen_score, 0.5]
    cells = [f"{number:.3f}" for number in (*numbers, better.probability)]
    assert line.split() == ["1", "steady", *cells, "2"]
    sentence = f"steady is really better than peaked with probability {better.probability:.2f}"
    assert sentence in shown


def test_confirmation_fits_80_columns(run_leaderboard, confirmation):
    shown = run_leaderboard("--experiment", "faces-confirmed").stdout
    table = shown.partition("\n\n")[0].splitlines()[1:]
    assert max(map(len, table)) <= 80


def test_confirmation_gives_programs_each_trial_against_each(run_leaderboard, confirmation):
    rows = json.loads(run_leaderboard("--experiment", "faces-confirmed", "--format", "json").stdout)
    steady, peaked = confirmed_trials(load_experiment(confirmation.path.parent, "faces-confirmed"))
    assert [row["trial"] for row in rows] == ["faces/steady", "faces/peaked"]
    assert rows[1]["probability_better"] == {
        "better than faces/steady": peaked.better["faces/steady"].probability
    }
    assert (rows[0]["macro_f1"], rows[0]["searched_score"]) == (steady.score, 0.5)
    table = run_leaderboard("--experiment", "faces-confirmed", "--format", "csv").stdout
    assert pd.read_csv(io.StringIO(table))["trainings"].tolist() == [2, 3]


def test_confirmed_trial_without_a_complete_training_is_named(run_leaderboard, confirmation):
    outcome = confirmation.trial("steady-3").read_outcome()
    for seed in (1, 2):
        confirmation.trial(f"steady-{seed}").write_outcome(outcome)
    shown = run_leaderboard("--experiment", "faces-confirmed").stdout
    assert "steady: no training of it is complete" in shown
    for seed in (1, 2, 3):
        confirmation.trial(f"peaked-{seed}").write_outcome(outcome)
    assert "stopped" in run_leaderboard("--experiment", "faces-confirmed").stdout
