"""`python -m analysis.labels` lists persons, shows their faces and writes what corrects them."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import labels
from analysis.labels_page import labels_page
from trainable.arrays import Probabilities
from trainable.label_fixes import fixed_images
from trainable.labels import decode, join_tasks
from trainable.settings import UserError
from trainable.table import read_table

MEMBERS = ("peaked", "steady", "early")


@pytest.fixture
def images(experiment, own_faces):
    """The experiment's persons are those of ``own_faces``; one is labelled wrongly, one swapped."""
    found = read_table(own_faces).images
    record = experiment.read_record().model_copy(update={"data_root": str(own_faces)})
    experiment.write_record(record)
    experiment.write_images(found, experiment.read_eval_images())
    for seed, name in enumerate(MEMBERS):
        rows = np.arange(len(found), dtype=np.int32)
        values = predicted(found, seed).astype(np.float16)
        experiment.trial(name).write_validation(Probabilities(rows, values))
    return found


@pytest.fixture
def wrong(images):
    """Whose gender, and whose two images, networks see otherwise."""
    return images["person"].unique()[[2, 17]]


def predicted(images: pd.DataFrame, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    truth = decode(images["label"].to_numpy())
    persons = images["person"].unique()
    wrong_gender, swapped = (images["person"] == persons[place] for place in (2, 17))
    truth["gender"] = np.where(wrong_gender, 1 - truth["gender"], truth["gender"])
    truth["mask"] = np.where(swapped & (truth["mask"] > 0), 3 - truth["mask"], truth["mask"])
    parts = {}
    for task, count in (("mask", 3), ("gender", 2), ("age", 3)):
        logits = random.normal(0, 0.5, (len(images), count))
        logits[np.arange(len(images)), truth[task]] += 4
        parts[task] = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return join_tasks(parts)


@pytest.fixture
def run(experiment):
    where = ["--runs", str(experiment.path.parent)]
    return lambda *words: CliRunner().invoke(labels.app, [*where, *words], env={"COLUMNS": "100"})


def rows_of(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_wrong_labels_are_listed_first(run, wrong):
    rows = rows_of(run("--format", "json"))
    assert {(row["person"], row["kind"]) for row in rows[:2]} == {
        (wrong[0], "gender"),
        (wrong[1], "swapped"),
    }
    gender = next(row for row in rows if row["kind"] == "gender")
    assert (gender["given"], gender["suggested"]) == ("male", "female")


def test_fix_file_corrects_exactly_what_is_wrong(run, experiment, images, wrong):
    result = run("--sure", "0.1")
    file = experiment.path / "label_fixes.csv"
    assert f"data.label_fixes={file}" in result.stderr
    fixed = fixed_images(images, str(file))
    changed = images["person"][(fixed["label"] != images["label"])]
    assert changed.value_counts().to_dict() == {wrong[0]: 7, wrong[1]: 2}
    assert (fixed["gender"][images["person"] == wrong[0]] == 1).all()


def test_fixes_are_only_of_the_sure(run, experiment, wrong):
    run("--sure", "1", "--out", str(experiment.path / "none.csv"))
    assert (experiment.path / "none.csv").read_text() == "id,field,value\n"


def test_page_shows_faces_and_needs_no_network(run, experiment, wrong):
    run()
    page = (experiment.path / "labels.html").read_text()
    assert page.count("data:image/jpeg;base64") >= 4
    assert wrong[0] in page
    assert 'src="http' not in page


def test_table_fits_the_terminal_and_names_the_person(run, wrong):
    lines = run().stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert any(wrong[1] in line and "swapped" in line for line in lines)


def test_names_are_escaped_on_the_page(images, tmp_path):
    page = labels_page("<script>alert(1)</script>", [], images, tmp_path, ["<b>"])
    assert "<script>alert(1)" not in page
    assert "<li>&lt;b&gt;</li>" in page


def test_persons_that_were_not_predicted_are_counted(run, experiment, images):
    for name in MEMBERS:
        found = experiment.trial(name).read_validation()
        kept = found.rows < 7 * 20
        experiment.trial(name).write_validation(Probabilities(found.rows[kept], found.values[kept]))
    result = run("--format", "json")
    assert "note: 4 of 24 persons were not looked at" in result.stderr
    assert {row["person"] for row in rows_of(result)} <= set(images["person"][: 7 * 20])


def test_trial_without_out_of_fold_probabilities_is_named(run, experiment, images):
    (experiment.path / "steady" / "validation.npz").unlink()
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "steady/validation.npz: No such file" in result.stderr


def test_data_that_are_gone_leave_faces_blank_and_it_is_said(run, experiment, own_faces, wrong):
    shutil.rmtree(own_faces)
    result = run("--format", "json")
    assert "note: the data cannot be read, faces may be missing" in result.stderr
    assert wrong[0] in {row["person"] for row in rows_of(result)}
    page = (experiment.path / "labels.html").read_text()
    assert "data:image/jpeg" not in page
    assert page.count('class="blank"') >= 2


def test_data_that_have_changed_are_told(run, own_faces, wrong):
    file = own_faces / "train" / "train.csv"
    persons = pd.read_csv(file, dtype=str)
    persons.loc[3, "gender"] = "female"
    persons.to_csv(file, index=False)
    assert "has changed since: 1 person(s) have other images or labels" in run().stderr


def test_unreadable_face_is_left_blank(run, experiment, own_faces, wrong):
    for image in (own_faces / "train" / "images" / wrong[0]).iterdir():
        image.write_bytes(b"no image")
    assert run().exit_code == 0
    assert 'class="blank"' in (experiment.path / "labels.html").read_text()


def test_trial_for_one_task_judges_that_task_alone(run, experiment, wrong):
    record = experiment.trial("peaked").read().record
    config = record.config.with_values({"model.heads": "gender"})
    experiment.trial("peaked").write_record(record.model_copy(update={"config": config}))
    result = run("--trials", "peaked", "--format", "json")
    assert "note: age is not looked at: none of the trials answers age" in result.stderr
    assert {row["kind"] for row in rows_of(result)} == {"gender"}


def test_person_whose_name_is_a_formula_is_not_in_the_fix_file(run, experiment, images, wrong):
    named = images.assign(person=images["person"].replace(wrong[0], "=1+1"))
    experiment.write_images(named, experiment.read_eval_images())
    result = run("--sure", "0.1")
    assert "note: =1+1 is not in" in result.stderr
    assert "=1+1" not in (experiment.path / "label_fixes.csv").read_text()


def test_fixes_that_contradict_each_other_are_refused_in_training(run, experiment, images, wrong):
    run("--sure", "0.1")
    file = experiment.path / "label_fixes.csv"
    file.write_text(file.read_text() + f"{wrong[0]},gender,male\n")
    with pytest.raises(UserError, match=f"gender of {wrong[0]} is corrected twice"):
        fixed_images(images, str(file))
