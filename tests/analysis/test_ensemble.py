"""What members are voted on, and what comes of it: scores, submission.csv, rows and columns.

The mean of exactly three trials fits nothing, so that its nested answers are those of a plain mean.
"""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from trainable.arrays import Probabilities
from trainable.store import ExperimentFolder

MEMBERS = ("peaked", "steady", "early")
PLAIN = ("--method", "soft", "--rule", "argmax", "--prior-shift", "off")
DATA = (*PLAIN, "--format", "json")


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


def submitted(experiment: ExperimentFolder) -> list[int]:
    return pd.read_csv(experiment.path / "submission.csv")["ans"].tolist()


def test_out_of_fold_score_is_that_of_the_mean_probabilities(run_ensemble, experiment):
    rows = rows_of(run_ensemble("--trials", ",".join(MEMBERS), *DATA))
    labels, answers = experiment.read_images()["label"], mean_answers(experiment, "validation")
    for row in (rows["soft"], rows["ensemble"]):
        assert row["macro_f1"] == pytest.approx(f1_score(labels, answers, average="macro"))
        assert row["accuracy"] == pytest.approx(accuracy_score(labels, answers))
        masks = f1_score(labels // 6, answers // 6, average="macro")
        assert row["mask_f1"] == pytest.approx(masks)
        assert row["low"] < row["macro_f1"] < row["high"]


def test_member_scores_are_those_of_its_own_probabilities(run_ensemble, experiment):
    row = rows_of(run_ensemble(*DATA))["early"]
    answers = by_row(experiment.trial("early").read_validation()).argmax(axis=1)
    expected = f1_score(experiment.read_images()["label"], answers, average="macro")
    assert row["macro_f1"] == pytest.approx(expected)


def test_members_of_fewer_folds_are_compared_on_the_images_that_all_predicted(
    run_ensemble, experiment
):
    whole = rows_of(run_ensemble(*DATA))
    first = submitted(experiment)
    labels, answers = experiment.read_images()["label"], mean_answers(experiment, "validation")
    found = experiment.trial("steady").read_validation()
    kept = found.rows < 70
    experiment.trial("steady").write_validation(Probabilities(found.rows[kept], found.values[kept]))
    result = run_ensemble(*DATA)
    assert "note: scored on the 70 images that steady predicted" in result.stderr
    row = rows_of(result)["ensemble"]
    assert row["accuracy"] == pytest.approx(accuracy_score(labels[:70], answers[:70]))
    assert row["held_out_accuracy"] == whole["ensemble"]["held_out_accuracy"]
    assert submitted(experiment) == first
    assert "note" not in run_ensemble("--trials", "peaked,early", *PLAIN).stderr


def test_held_out_scores_use_the_answers_by_image_name(run_ensemble, experiment):
    rows = rows_of(run_ensemble(*DATA))
    answers = mean_answers(experiment, "eval")
    assert rows["ensemble"]["held_out_accuracy"] == pytest.approx(np.mean(answers == np.arange(10)))
    assert 0.3 < rows["ensemble"]["held_out_macro_f1"] < 0.9
    alone = by_row(experiment.trial("early").read_eval()).argmax(axis=1)
    assert rows["early"]["held_out_accuracy"] == pytest.approx(np.mean(alone == np.arange(10)))


@pytest.mark.parametrize("known", [True, False])
def test_rows_have_the_same_keys_whether_or_not_the_answers_are_known(
    run_ensemble, answers_file, known
):
    if not known:
        answers_file.unlink()
    rows = rows_of(run_ensemble(*DATA))
    [keys] = {tuple(row) for row in rows.values()}
    assert keys[0] == "member"
    assert {"macro_f1", "low", "high", "held_out_macro_f1", "held_out_accuracy"} <= set(keys)
    assert (rows["ensemble"]["held_out_accuracy"] is None) == (not known)


def test_without_answers_the_table_has_no_held_out_columns(run_ensemble, answers_file):
    assert "held-out" in run_ensemble(*PLAIN).stdout
    answers_file.unlink()
    assert "held-out" not in run_ensemble(*PLAIN).stdout


def test_submission_has_the_columns_and_order_of_the_eval_images(run_ensemble, experiment):
    run_ensemble(*PLAIN)
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
        run_ensemble(*PLAIN, "--method", method)
        answers[method] = set(submitted(experiment))
    assert answers == {"soft": {7}, "hard": {4}}


def test_best_trials_vote_and_failed_ones_do_not(run_ensemble):
    assert list(rows_of(run_ensemble(*DATA))) == [*MEMBERS, "soft", "ensemble"]
    two = rows_of(run_ensemble("--top", "2", *DATA))
    assert list(two) == ["peaked", "steady", "soft", "ensemble"]


def test_named_trials_are_exactly_the_members(run_ensemble):
    found = rows_of(run_ensemble("--trials", "early, steady", *DATA))
    assert list(found) == ["early", "steady", "soft", "ensemble"]


def test_out_names_the_submission_and_leaves_the_experiment_alone(
    run_ensemble, experiment, tmp_path
):
    run_ensemble("--out", str(tmp_path / "deep" / "mine.csv"), *PLAIN)
    assert len(pd.read_csv(tmp_path / "deep" / "mine.csv")) == 10
    assert not (experiment.path / "submission.csv").exists()


def test_json_and_csv_stand_alone_on_stdout_and_say_the_same(run_ensemble):
    result = run_ensemble(*PLAIN, "--format", "csv")
    table = pd.read_csv(io.StringIO(result.stdout)).set_index("member")
    rows = rows_of(run_ensemble(*DATA))
    assert list(table.columns) == [key for key in rows["ensemble"] if key != "member"]
    assert list(table.index) == list(rows)
    assert table.loc["ensemble", "macro_f1"] == pytest.approx(rows["ensemble"]["macro_f1"])
    assert "submission.csv" in result.stderr


def test_trainings_on_all_persons_are_submitted_when_asked(run_ensemble, experiment):
    for name in MEMBERS:
        found = experiment.trial(name).read_eval()
        turned = Probabilities(found.rows, np.roll(found.values, 1, axis=1))
        experiment.trial(name).write_final(turned)
    run_ensemble(*PLAIN)
    plain = np.array(submitted(experiment))
    run_ensemble("--final", *PLAIN)
    assert submitted(experiment) == list((plain + 1) % 18)
