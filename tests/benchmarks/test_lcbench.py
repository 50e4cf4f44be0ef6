"""The command: without the data it says where they come from; with them it compares."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.schedulers.__main__ import app
from benchmarks.schedulers.lcbench import ENCODING, MODEL, RANGES, read_tasks

DATA = os.environ.get("LCBENCH")
with_data = pytest.mark.skipif(not DATA, reason="LCBENCH names no folder of learning curves")


def refused(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 2
    return " ".join(result.stderr.split())


def test_missing_data_are_answered_with_where_they_come_from():
    said = refused()
    for word in ("YAHPO Gym", "LCBench", "Apache-2.0", MODEL, ENCODING, RANGES, "--data"):
        assert word in said


def test_folder_that_lacks_files_is_answered_with_their_names(tmp_path):
    (tmp_path / ENCODING).write_text("{}")
    assert f"{tmp_path} has no {MODEL} and no {RANGES}; the curves come from" in refused(
        "--data", tmp_path
    )


def test_unknown_contender_is_answered_with_the_nearest():
    assert "unknown contender 'stoping'; did you mean stopping?" in refused(
        "--contender", "stoping"
    )


def test_picture_of_another_kind_is_refused_before_anything_runs(tmp_path):
    assert "must end in .svg or .png" in refused("--picture", tmp_path / "regret.gif")


@with_data
def test_tasks_are_those_of_the_surrogate_that_have_ranges():
    tasks = read_tasks(Path(str(DATA)))
    assert len(tasks) == 34
    assert [task.code for task in tasks] == sorted(task.code for task in tasks)


@with_data
@pytest.mark.timeout(600)
def test_held_out_tasks_are_compared(tmp_path):
    file, picture = tmp_path / "found.json", tmp_path / "regret.svg"
    words = ["--data", str(DATA), "--tasks", "held-out", "--seeds", "1", "--json", str(file)]
    names = ["--contender", "random", "--contender", "stopping", "--picture", str(picture)]
    result = CliRunner().invoke(app, [*words, *names], catch_exceptions=False)
    assert result.exit_code == 0
    (rows,) = json.loads(file.read_text())["figures"].values()
    regrets = {row["contender"]: row["regrets"]["20.0"]["mean"] for row in rows}
    assert regrets["stopping"] < regrets["random"] < 0.5
    assert picture.read_text().startswith("<?xml")
