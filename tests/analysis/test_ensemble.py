import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from trainable.labels import encode, join_tasks, task_probabilities
from trainable.store import ExperimentFolder, Probabilities

MEMBERS = ("peaked", "steady", "early")
SPECIALISTS = {"peaked": "age", "steady": "mask", "early": "gender"}


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


def test_members_of_fewer_folds_are_compared_on_the_images_that_all_predicted(
    run_ensemble, experiment
):
    whole = rows_of(run_ensemble("--format", "json"))
    submitted = (experiment.path / "submission.csv").read_text()
    labels, answers = experiment.read_images()["label"], mean_answers(experiment, "validation")
    found = experiment.trial("steady").read_validation()
    kept = found.rows < 70
    experiment.trial("steady").write_validation(Probabilities(found.rows[kept], found.values[kept]))
    result = run_ensemble("--format", "json")
    assert "note: scored on the 70 images that steady predicted" in result.stderr
    row = rows_of(result)["ensemble"]
    assert row["accuracy"] == pytest.approx(accuracy_score(labels[:70], answers[:70]))
    assert row["held_out_accuracy"] == whole["ensemble"]["held_out_accuracy"]
    assert (experiment.path / "submission.csv").read_text() == submitted
    assert "note" not in run_ensemble("--trials", "peaked,early").stderr


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


@pytest.fixture
def specialists(experiment: ExperimentFolder) -> ExperimentFolder:
    """The trials `peaked`, `steady` and `early`, as if each had been trained for one task."""
    for name, task in SPECIALISTS.items():
        record = experiment.trial(name).read().record
        config = record.config.with_values({"model.heads": task})
        experiment.trial(name).write_record(record.model_copy(update={"config": config}))
        found = experiment.trial(name).read_validation()
        alone = knowing_only(task, found.values)
        experiment.trial(name).write_validation(Probabilities(found.rows, alone))
    return experiment


def knowing_only(task: str, values: np.ndarray) -> np.ndarray:
    parts = task_probabilities(values)
    unknown = {other: np.full_like(part, 1 / part.shape[1]) for other, part in parts.items()}
    return join_tasks({**unknown, task: parts[task]}).astype(np.float16)


def test_specialists_answer_their_own_task_each(run_ensemble, specialists):
    named = ["--trials", ",".join(SPECIALISTS), "--method", "task", "--format", "json"]
    rows, labels = rows_of(run_ensemble(*named)), specialists.read_images()["label"]
    parts = {
        task: task_probabilities(by_row(specialists.trial(name).read_validation()))[task].argmax(1)
        for name, task in SPECIALISTS.items()
    }
    answers = encode(parts["mask"], parts["gender"], parts["age"])
    assert rows["ensemble"]["accuracy"] == pytest.approx(accuracy_score(labels, answers))
    assert rows["peaked"]["age_f1"] == pytest.approx(
        f1_score(labels % 3, parts["age"], average="macro")
    )
    assert rows["peaked"]["macro_f1"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trials", "peaked"), "peaked cannot tell gender and mask"),
        (("--trials", ",".join(("peaked", "steady", "early"))), "--method task only for its own"),
    ],
)
def test_specialists_do_not_answer_what_they_were_not_trained_for(
    run_ensemble, specialists, words, said
):
    result = run_ensemble(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (specialists.path / "submission.csv").exists()


def test_trial_of_another_experiment_votes_too(run_ensemble, experiment, add_copy):
    add_copy("other", "f")
    rows = rows_of(run_ensemble("--trials", "peaked,other/early", "--format", "json"))
    assert list(rows) == ["peaked", "other/early", "ensemble"]
    alone = rows_of(run_ensemble("--trials", "early", "--format", "json"))
    assert rows["other/early"]["macro_f1"] == alone["early"]["macro_f1"]


def test_trial_of_other_data_does_not_vote(run_ensemble, add_copy):
    add_copy("other", "another fingerprint")
    result = run_ensemble("--trials", "peaked,other/early")
    assert result.exit_code == 2
    assert "other/early was trained on other data than faces" in result.stderr


@pytest.fixture
def add_copy(experiment: ExperimentFolder):
    def add(name: str, fingerprint: str) -> None:
        copied = ExperimentFolder(experiment.path.with_name(name))
        shutil.copytree(experiment.path, copied.path)
        record = copied.read_record().model_copy(update={"data_fingerprint": fingerprint})
        copied.write_record(record)

    return add


def test_trainings_on_all_persons_are_submitted_when_asked(run_ensemble, experiment):
    for name in MEMBERS:
        found = experiment.trial(name).read_eval()
        turned = Probabilities(found.rows, np.roll(found.values, 1, axis=1))
        experiment.trial(name).write_final(turned)
    run_ensemble()
    plain = pd.read_csv(experiment.path / "submission.csv")["ans"]
    run_ensemble("--final")
    final = pd.read_csv(experiment.path / "submission.csv")["ans"]
    assert list(final) == list((plain + 1) % 18)


def test_final_submission_without_a_final_training_names_the_command(run_ensemble):
    result = run_ensemble("--final")
    assert result.exit_code == 2
    assert "python -m trainable.final trial=" in result.stderr
