import io
import json

import pandas as pd
import pytest

from trainable.store import TrialFolder


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
