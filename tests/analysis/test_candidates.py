"""Trials beside the best take part where trials are chosen, unless they would hold the best up."""

import json
import re

import numpy as np
import pytest

from analysis.members import best_members, candidates
from analysis.results import load_experiment
from trainable.arrays import Probabilities
from trainable.store import ExperimentFolder
from trainable.trial_folder import TrialFolder

PLAIN = ("--rule", "argmax", "--prior-shift", "off", "--format", "json")


def rows_of(result) -> dict[str, dict[str, float]]:
    return {row["member"]: row for row in json.loads(result.stdout)}


def keep(trial: TrialFolder, rows: range) -> None:
    found = trial.read_validation()
    kept = np.isin(found.rows, rows)
    trial.write_validation(Probabilities(found.rows[kept], found.values[kept]))


@pytest.fixture
def add_good(experiment: ExperimentFolder, add_trial):
    """Add a finished trial that is right more often than the others, and the last by its record."""

    def add(name: str) -> None:
        add_trial(name, "completed", [0.01])
        for kind in ("validation", "eval"):
            read = getattr(experiment.trial("early"), f"read_{kind}")()
            true = experiment.read_images()["label"].to_numpy()[read.rows]
            true = true if kind == "validation" else read.rows
            values = np.full((len(true), 18), 0.01, np.float16)
            values[np.arange(len(true)), true] = 0.83
            getattr(experiment.trial(name), f"write_{kind}")(Probabilities(read.rows, values))

    return add


def test_trials_beside_the_best_take_part_where_trials_are_chosen(run_ensemble, add_good):
    add_good("late")
    words = ("--method", "greedy", *PLAIN)
    assert next(iter(rows_of(run_ensemble("--top", "2", *words)))) == "late"
    named = rows_of(run_ensemble("--trials", "peaked,steady", *words))
    assert set(named) <= {"peaked", "steady", "greedy", "ensemble"}


def test_trials_without_eval_probabilities_take_no_part_and_are_counted(
    run_ensemble, experiment, add_good
):
    add_good("late")
    (experiment.trial("late").path / "eval.npz").unlink()
    words = ("--method", "greedy", *PLAIN)
    result = run_ensemble("--top", "2", *words)
    assert "note: other trials that take no part, having no eval probabilities: 1" in result.stderr
    assert "late" not in rows_of(result)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda trial: (trial.path / "validation.npz").write_bytes(b"PK"), "cannot read"),
        (lambda trial: (trial.path / "eval.npz").write_bytes(b"PK"), "cannot read"),
        (lambda trial: keep(trial, range(70)), "it was not scored on 14 of 84 images"),
    ],
    ids=["validation", "eval", "fewer images"],
)
def test_trial_beside_the_best_that_cannot_take_part_stops_nobody(
    run_ensemble, experiment, add_good, damage, said
):
    words = ("--method", "soft", *PLAIN)
    before = rows_of(run_ensemble(*words))
    add_good("late")
    damage(experiment.trial("late"))
    result = run_ensemble(*words)
    assert re.search(rf"warning: late takes no part: .*{said}", result.stderr)
    assert rows_of(result) == before


def test_candidates_are_members_then_other_finished_trials_of_as_many_folds(experiment, add_good):
    add_good("late")
    found = load_experiment(experiment.path.parent, "faces")
    members = best_members(found, 2)
    names = [trial.name for trial in candidates(found, members, final=False)]
    assert names == ["peaked", "steady", "early", "late"]
    assert [trial.name for trial in candidates(found, members, final=True)] == names[:2]
