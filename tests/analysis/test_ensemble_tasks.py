"""Trials that were trained for one task each answer together, and for nothing else."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from trainable.arrays import Probabilities
from trainable.labels import encode, join_tasks, task_probabilities
from trainable.store import ExperimentFolder

SPECIALISTS = {"peaked": "age", "steady": "mask", "early": "gender"}
NAMED = ("--trials", ",".join(SPECIALISTS))


def sure_of_only(task: str, values: np.ndarray) -> np.ndarray:
    """Return what says as much of a task as ``values``, too surely to be levelled, and no more."""
    parts = task_probabilities(values)
    said = {other: np.full_like(part, 1 / part.shape[1]) for other, part in parts.items()}
    classes = parts[task].shape[1]
    said[task] = 0.01 + (1 - 0.01 * classes) * np.eye(classes)[parts[task].argmax(axis=1)]
    return join_tasks(said).astype(np.float16)


def own_answers(folder: ExperimentFolder, name: str, task: str) -> np.ndarray:
    found = folder.trial(name).read_validation()
    return task_probabilities(found.values[np.argsort(found.rows)])[task].argmax(axis=1)


@pytest.fixture
def specialists(experiment: ExperimentFolder) -> ExperimentFolder:
    """The trials `peaked`, `steady` and `early`, as if each had been trained for one task."""
    for name, task in SPECIALISTS.items():
        record = experiment.trial(name).read().record
        config = record.config.with_values({"model.heads": task})
        experiment.trial(name).write_record(record.model_copy(update={"config": config}))
        found = experiment.trial(name).read_validation()
        alone = sure_of_only(task, found.values)
        experiment.trial(name).write_validation(Probabilities(found.rows, alone))
    return experiment


@pytest.mark.parametrize("method", ["task", "auto"])
def test_specialists_answer_their_own_task_each(run_ensemble, specialists, method):
    plain = ("--rule", "argmax", "--prior-shift", "off", "--format", "json")
    words = (*NAMED, "--method", method, *plain)
    rows = {row["member"]: row for row in json.loads(run_ensemble(*words).stdout)}
    assert set(rows) == {*SPECIALISTS, "task", "ensemble"}
    parts = {task: own_answers(specialists, name, task) for name, task in SPECIALISTS.items()}
    answers = encode(parts["mask"], parts["gender"], parts["age"])
    labels = specialists.read_images()["label"]
    assert rows["ensemble"]["accuracy"] == pytest.approx(accuracy_score(labels, answers))
    assert rows["peaked"]["age_f1"] == pytest.approx(
        f1_score(labels % 3, parts["age"], average="macro")
    )
    assert rows["peaked"]["macro_f1"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trials", "peaked"), "peaked cannot tell mask and gender: they were trained for other"),
        ((*NAMED, "--method", "soft"), "--method task only for its own"),
        ((*NAMED, "--method", "greedy"), "--method task only for its own"),
    ],
)
def test_specialists_do_not_answer_what_they_were_not_trained_for(
    run_ensemble, specialists, words, said
):
    result = run_ensemble(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (specialists.path / "submission.csv").exists()
