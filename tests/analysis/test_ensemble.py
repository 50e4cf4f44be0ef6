import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from trainable.store import ExperimentFolder, Probabilities

MEMBERS = ("peaked", "steady", "early")


def rows_of(result) -> dict[str, dict[str, float]]:
    return {row["member"]: row for row in json.loads(result.stdout)}


def by_row(probabilities: Probabilities) -> np.ndarray:
    ordered = np.zeros(probabilities.values.shape)
    ordered[probabilities.rows] = probabilities.values
    return ordered


def mean_answers(experiment: ExperimentFolder, kind: str) -> np.ndarray:
    folders = [experiment.trial(name) for name in MEMBERS]
    found = [getattr(folder, f"read_{kind}")() for folder in folders]
    return np.mean([by_row(probabilities) for probabilities in found], axis=0).argmax(axis=1)


def test_out_of_fold_score_is_that_of_the_mean_probabilities(run_ensemble, experiment):
    row = rows_of(run_ensemble("--format", "json"))["ensemble"]
    labels, answers = experiment.read_images()["label"], mean_answers(experiment, "validation")
    assert row["macro_f1"] == pytest.approx(f1_score(labels, answers, average="macro"))
    assert row["accuracy"] == pytest.approx(accuracy_score(labels, answers))
    masks = f1_score(labels // 6, answers // 6, average="macro")
    assert row["mask_f1"] == pytest.approx(masks)


def test_member_scores_are_those_of_its_own_probabilities(run_ensemble, experiment):
    row = rows_of(run_ensemble("--format", "json"))["early"]
    answers = by_row(experiment.trial("early").read_validation()).argmax(axis=1)
    expected = f1_score(experiment.read_images()["label"], answers, average="macro")
    assert row["macro_f1"] == pytest.approx(expected)


def test_held_out_scores_use_the_answers_by_image_name(run_ensemble, experiment):
    row = rows_of(run_ensemble("--format", "json"))["ensemble"]
    answers = mean_answers(experiment, "eval")
    assert row["held_out_accuracy"] == pytest.approx(np.mean(answers == np.arange(10)))
    assert 0.3 < row["held_out_macro_f1"] < 0.9


def test_without_answers_there_are_no_held_out_columns(run_ensemble, answers_file):
    answers_file.unlink()
    assert "held_out_accuracy" not in rows_of(run_ensemble("--format", "json"))["ensemble"]


def test_submission_has_the_columns_and_order_of_the_eval_images(run_ensemble, experiment):
    run_ensemble()
    submission = pd.read_csv(experiment.path / "submission.csv")
    assert submission.columns.tolist() == ["ImageID", "ans"]
    assert submission["ImageID"].tolist() == experiment.read_eval_images()["ImageID"].tolist()
    assert submission["ans"].tolist() == mean_answers(experiment, "eval").tolist()


def test_hard_vote_of_two_agreeing_members_overrules_the_third(run_ensemble, experiment):
    for name, klass in (("peaked", 4), ("steady", 4), ("early", 7)):
        values = np.full((10, 18), 0.01 if klass == 7 else 0.05, np.float16)
        values[:, klass] = 0.83 if klass == 7 else 0.15
        experiment.trial(name).write_eval(Probabilities(np.arange(10, dtype=np.int32), values))
    answers = {}
    for method in ("soft", "hard"):
        run_ensemble("--method", method)
        answers[method] = set(pd.read_csv(experiment.path / "submission.csv")["ans"])
    assert answers == {"soft": {7}, "hard": {4}}


def test_best_trials_vote_and_failed_ones_do_not(run_ensemble):
    assert list(rows_of(run_ensemble("--format", "json"))) == [*MEMBERS, "ensemble"]
    two = rows_of(run_ensemble("--top", "2", "--format", "json"))
    assert list(two) == ["peaked", "steady", "ensemble"]


def test_named_trials_are_exactly_the_members(run_ensemble):
    found = rows_of(run_ensemble("--trials", "early, steady", "--format", "json"))
    assert list(found) == ["early", "steady", "ensemble"]


def test_out_names_the_submission_and_leaves_the_experiment_alone(
    run_ensemble, experiment, tmp_path
):
    run_ensemble("--out", str(tmp_path / "deep" / "mine.csv"))
    assert len(pd.read_csv(tmp_path / "deep" / "mine.csv")) == 10
    assert not (experiment.path / "submission.csv").exists()


def test_json_and_csv_stand_alone_on_stdout_and_say_the_same(run_ensemble):
    result = run_ensemble("--format", "csv")
    table = pd.read_csv(io.StringIO(result.stdout)).set_index("member")
    rows = rows_of(run_ensemble("--format", "json"))
    assert table.loc["ensemble", "macro_f1"] == pytest.approx(rows["ensemble"]["macro_f1"])
    assert "submission.csv" in result.stderr


def test_table_fits_80_columns(run_ensemble):
    lines = run_ensemble().stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("ensemble") for line in lines)
