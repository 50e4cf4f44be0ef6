"""`python -m analysis.submissions` lists, compares, checks and scores what was handed in."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis import submissions
from analysis.ledger import Estimate, Making, read_ledger, record
from trainable.settings import UserError


@pytest.fixture
def runs(experiment):
    return experiment.path.parent


@pytest.fixture
def run(runs):
    environment = {"COLUMNS": "80"}
    return lambda *words: CliRunner().invoke(
        submissions.app, ["--runs", str(runs), *words], env=environment
    )


@pytest.fixture
def names(experiment):
    return experiment.read_eval_images()["ImageID"].tolist()


@pytest.fixture
def three(runs, names):
    """Three submissions: the second changes one image's gender, the third three images' age."""
    for number, changed in enumerate(({}, {0: 3}, {1: 1, 2: 1, 3: 2})):
        classes = [changed.get(image, 0) for image in range(len(names))]
        value = 0.3 + number / 10
        made = Making(
            experiment="faces",
            method="soft",
            members=["peaked", "steady"],
            out_of_fold=Estimate(value=value, low=value - 0.05, high=value + 0.05),
        )
        record(runs, pd.Series(classes, index=names), made)


def error_of(result) -> str:
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.splitlines()[-1]


def test_list_shows_each_submission_within_80_columns(run, three):
    lines = run().stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if "0." in line] == ["1", "2", "3"]
    assert "0.250-0.350" in next(line for line in lines if line.startswith("1 "))


def test_list_for_programs_has_all_that_is_known(run, three):
    rows = json.loads(run("--format", "json").stdout)
    assert [row["out_of_fold"] for row in rows] == pytest.approx([0.3, 0.4, 0.5])
    table = pd.read_csv(io.StringIO(run("--format", "csv").stdout))
    assert table["members"].tolist() == ["peaked,steady"] * 3


def test_empty_ledger_names_the_command_that_fills_it(run):
    assert "python -m analysis.ensemble" in error_of(run())


def test_compare_counts_changed_images_by_task(run, three):
    rows = json.loads(run("--compare", "2", "3", "--format", "json").stdout)
    counts = {row["task"]: row["changed"] for row in rows if "changed" in row}
    assert counts == {"mask": 0, "gender": 1, "age": 3, "class": 4}
    moves = {
        (row["from"], row["to"]): row["images"]
        for row in rows
        if row["task"] == "age" and "to" in row
    }
    assert moves == {("<30", "30-59"): 2, ("<30", ">=60"): 1}


def test_compare_writes_the_changed_images_if_asked(run, three, names, tmp_path):
    run("--compare", "1", "3", "--out", str(tmp_path / "rows.csv"))
    table = pd.read_csv(tmp_path / "rows.csv")
    assert table["ImageID"].tolist() == sorted(names[1:4])
    assert set(table["to class"]) == {"worn, male, 30-59", "worn, male, >=60"}


def test_equal_submissions_compare_without_a_table_of_moves(run, three):
    assert run("--compare", "1", "1").exit_code == 0


def test_consensus_compares_with_the_majority_of_the_others(run, three):
    result = run("--consensus", "latest", "--format", "json")
    assert "the majority of 2" in result.stderr
    counts = {row["task"]: row["changed"] for row in json.loads(result.stdout) if "changed" in row}
    # The best other one is the second, to which ties of two go.
    assert counts == {"mask": 0, "gender": 1, "age": 3, "class": 4}


def test_consensus_of_a_lone_submission_is_refused(run, runs, names):
    record(runs, pd.Series(0, index=names), Making(experiment="e", method="m", members=[]))
    assert "no majority to compare it with" in error_of(run("--consensus", "1"))


def test_score_is_entered_shown_and_decides_who_is_best(run, three):
    result = run("--score", "1=0.7765", "--accuracy", "0.8")
    assert (result.exit_code, result.stdout) == (0, "")
    rows = json.loads(run("--format", "json").stdout)
    assert [row["public"] for row in rows] == [0.7765, None, None]
    assert rows[0]["public_accuracy"] == 0.8
    assert "the majority of 1 " in run("--consensus", "3").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--score", "1=77.65"), "--score 1=77.65: a public score is from 0 to 1; did you mean"),
        (("--score", "1=-0.1"), "from 0 to 1"),
        (("--score", "1=nan"), "from 0 to 1"),
        (("--score", "1=0.5", "--accuracy", "101"), "--accuracy 101.0: a public score is"),
        (("--score", "1"), "as in 3=0.7765"),
        (("--score", "1=high"), "as in 3=0.7765"),
        (("--score", "=0.5"), "as in 3=0.7765"),
        (("--score", "9=0.5"), "no submission has the number or hash '9'; there are: 1 ("),
        (("--compare", "1", "zz"), "no submission has the number or hash 'zz'"),
        (("--accuracy", "0.5"), "--accuracy goes with --score"),
        (("--score", "1=0.5", "--fit"), "choose one of"),
        (("--out", "rows.csv"), "--out goes with --compare"),
        (("--score", "1=0.5", "--out", "rows.csv"), "--out goes with --compare"),
        (("--fit",), "enter a public one with --score"),
    ],
)
def test_mistake_is_one_sentence(run, three, words, said):
    assert said in error_of(run(*words))


def test_damaged_line_is_named_and_the_others_are_listed(run, runs, three):
    file = runs / "submissions" / "ledger.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1][:40], lines[2]]) + "\n")
    result = run("--format", "json")
    assert "ledger.jsonl, line 2 is left out" in result.stderr
    assert [row["number"] for row in json.loads(result.stdout)] == [1, 3]


def test_submissions_for_other_images_do_not_compare(run, runs, three):
    made = Making(experiment="e", method="m", members=[])
    record(runs, pd.Series([0, 1], index=["a.jpg", "b.jpg"]), made)
    message = error_of(run("--compare", "1", "4"))
    assert "different eval images, 10 and 2 with 0 in common" in message


def test_fit_writes_a_page_and_prints_its_sentence(run, runs, three, tmp_path):
    for number in (1, 2, 3):
        run("--score", f"{number}={number / 10}")
    result = run("--fit")
    assert "3 public score(s): 0.2000 in the mean, -0.2000 against out-of-fold" in result.stdout
    assert "Plotly.newPlot" in (runs / "submissions" / "public.html").read_text()
    run("--fit", "--out", str(tmp_path / "own.html"))
    assert (tmp_path / "own.html").exists()


@pytest.fixture
def handed(names, tmp_path):
    """Writes a file of answers as it is given."""

    def write(classes: dict[str, object]) -> str:
        table = pd.DataFrame({"ImageID": list(classes), "ans": list(classes.values())})
        table.to_csv(tmp_path / "mine.csv", index=False)
        return str(tmp_path / "mine.csv")

    return write


def test_file_from_elsewhere_is_added_once(run, runs, names, handed):
    file = handed({name: label % 18 for label, name in enumerate(reversed(names))})
    assert "recorded as submission 1" in run("--add", file).stderr
    assert "the same answers are submission 1" in run("--add", file).stderr
    (one,) = read_ledger(runs).submissions
    assert (one.entry.method, one.entry.experiment, one.entry.file) == ("added", "faces", file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows | {"001.jpg": 18}, "ans must be a class from 0 to 17"),
        (lambda rows: rows | {"001.jpg": -1}, "ans must be a class from 0 to 17"),
        (lambda rows: rows | {"001.jpg": 1.5}, "as columns ImageID,ans"),
        (lambda rows: rows | {"001.jpg": None}, "as columns ImageID,ans"),
        (lambda rows: rows | {"x.jpg": 1}, "has besides them 1, among them x.jpg"),
        (lambda rows: {n: rows[n] for n in sorted(rows)[2:]}, "leaves out 2, among them 000.jpg"),
    ],
)
def test_file_that_does_not_fit_the_eval_images_is_refused(run, runs, names, handed, change, said):
    file = handed(change(dict.fromkeys(names, 3)))
    message = error_of(run("--add", file))
    assert file in message
    assert said in message
    assert read_ledger(runs).submissions == []


def test_file_without_the_columns_or_absent_is_named(run, tmp_path):
    (tmp_path / "mine.csv").write_text("image,class\na,1\n")
    for name in ("mine.csv", "none.csv"):
        assert f"cannot read {tmp_path / name}" in error_of(run("--add", str(tmp_path / name)))


def test_image_name_that_a_spreadsheet_would_run_is_quoted(run, runs, tmp_path):
    made = Making(experiment="e", method="m", members=[])
    for klass in (0, 1):
        record(runs, pd.Series([klass, klass], index=["=1+1.jpg", "a.jpg"]), made)
    run("--compare", "1", "2", "--out", str(tmp_path / "rows.csv"))
    table = pd.read_csv(tmp_path / "rows.csv")
    assert table["ImageID"].tolist() == ["'=1+1.jpg", "a.jpg"]
    assert np.array_equal(table["from"], [0, 0])


def test_name_and_score_are_split_at_the_last_sign():
    with pytest.raises(UserError, match="from 0 to 1"):
        submissions.public_score("a=2", None)
    assert submissions.public_score(" 3 =1", None)[0] == "3"
