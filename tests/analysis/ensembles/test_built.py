"""What stored trials make: evidence by image and person, the choice, and who its members are."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.ensembles.built import Ask, Built, build, methods_for
from analysis.ensembles.combining import METHODS
from analysis.ensembles.evidence import SMALLEST, logarithms
from analysis.members import best_members
from analysis.results import Trial, load_experiment
from trainable.arrays import Probabilities
from trainable.labels import TASKS
from trainable.metrics import macro_f1
from trainable.settings import UserError


@pytest.fixture
def trials(experiment) -> list[Trial]:
    return best_members(load_experiment(experiment.path.parent, "faces"), 3)


def for_task(trial: Trial, task: str) -> Trial:
    record = trial.results.record
    config = record.config.with_values({"model.heads": task})
    results = trial.results.model_copy(
        update={"record": record.model_copy(update={"config": config})}
    )
    return replace(trial, results=results)


def test_evidence_is_by_image_with_its_class_and_person(experiment, trials):
    built = build(experiment, trials, Ask(3, ["soft"], [False]))
    images = experiment.read_images()
    assert built.rows.tolist() == list(images.index)
    assert built.known.labels.tolist() == images["label"].tolist()
    assert built.known.persons.tolist() == images["person"].tolist()
    assert built.known.tasks == [TASKS] * 3
    stored = trials[1].folder.read_validation()
    assert np.array_equal(built.known.stack[1][stored.rows], stored.values)
    assert built.note == ""


def test_score_is_nested_and_the_ensemble_is_fitted_to_all(experiment, trials):
    built = build(experiment, trials, Ask(3, ["weighted"], [True]))
    [chosen] = built.compared
    assert chosen is built.chosen
    assert chosen.score == macro_f1(built.known.labels, chosen.answers)
    fitted = built.ensemble.answers(built.known.stack)
    assert macro_f1(built.known.labels, fitted) > chosen.score
    assert built.ensemble.added.any()


def test_members_are_those_that_count_most_first(experiment, trials):
    built = build(experiment, trials, Ask(3, ["weighted"], [False]))
    shares = dict(
        zip(["peaked", "steady", "early"], built.ensemble.combination.shares, strict=True)
    )
    assert built.members == {name: share for name, share in shares.items() if share > 0}
    assert list(built.members.values()) == sorted(built.members.values(), reverse=True)
    assert sum(built.members.values()) == pytest.approx(1)


def test_trial_that_does_not_count_is_no_member(experiment, trials):
    built: Built = build(experiment, trials, Ask(1, ["single"], [False]))
    assert len(built.members) == 1


def test_images_that_one_trial_left_out_are_left_out_of_all_and_told(experiment, trials):
    found = trials[2].folder.read_validation()
    kept = found.rows >= 14
    trials[2].folder.write_validation(Probabilities(found.rows[kept], found.values[kept]))
    built = build(experiment, trials, Ask(3, ["soft"], [False]))
    assert built.rows.tolist() == list(range(14, 84))
    assert built.known.stack.shape == (3, 70, 18)
    assert built.note.startswith("scored on the 70 images that early predicted")


def test_trials_for_all_tasks_allow_every_method(trials):
    assert methods_for(trials, None) == list(METHODS)
    assert methods_for(trials, "rank") == ["rank"]


def test_trials_for_one_task_each_allow_selection_by_task_alone(trials):
    lone = [for_task(trial, task) for trial, task in zip(trials, TASKS, strict=True)]
    assert methods_for(lone, None) == ["task"]
    assert methods_for([*lone[:2], trials[2]], None) == ["task"]
    with pytest.raises(UserError, match="peaked answers mask alone: --method hard asks each"):
        methods_for(lone, "hard")


def test_task_that_nobody_answers_is_named(trials):
    lone = [for_task(trial, task) for trial, task in zip(trials, ("age", "age"), strict=False)]
    with pytest.raises(UserError, match="peaked, steady cannot tell mask and gender: they were"):
        methods_for(lone, None)


def test_no_logarithm_is_infinite():
    found = logarithms(np.array([0.0, 1e-9, 0.5, 1.0]))
    assert found == pytest.approx(np.log([SMALLEST, SMALLEST, 0.5, 1.0]))
