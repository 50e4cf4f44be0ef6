"""Names from anyone are shown as they are written: no page, table or spreadsheet runs them."""

import csv
import io
import json

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from analysis import ensemble, labels, leaderboard, submissions
from analysis.data.page import Shown, data_page
from analysis.ledger import read_ledger
from analysis.output import show_data, show_table
from analysis.report.evidence import read_evidence
from analysis.report.page import report_page
from orchestrator.live import LiveTable
from orchestrator.progress import SearchGoal, SearchProgress, TrialProgress
from orchestrator.search_table import SearchTable
from trainable.settings import UserError, printable

RUN = "document.title='hacked'"
NAME = f"\"'><img src=x onerror={RUN}>"
"""A name that a folder can have."""
MARKUP = f'</script><script>{RUN}</script>{NAME}<a href="javascript:{RUN}">x</a>{{{{7*7}}}}'
ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b31mred\rover"
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\uff1d1+1")


def run(app, search, *words):
    found = CliRunner().invoke(app, ["--runs", str(search.path.parent), *words])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def change(file, **changes):
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.fixture
def hostile(search):
    """The search, its texts markup; the best trial's folder, all images and persons too."""
    change(search.path / "experiment.json", question=MARKUP, words=[MARKUP], command=MARKUP)
    for trial in search.trials():
        record = json.loads((trial.path / "trial.json").read_text())
        values = {**record["values"], "loss.name": MARKUP, "augment.flip": MARKUP}
        change(trial.path / "trial.json", values=values, trial=MARKUP)
        trial.path.rename(trial.path.with_name(NAME + trial.name))
    failed = search.trials()[-1].path / "outcome.json"
    change(failed, status="failed", reason=MARKUP, traceback=MARKUP)
    for name, columns in (("images.csv", ("image", "person")), ("eval_images.csv", ("image",))):
        table = pd.read_csv(search.path / name, index_col="row", dtype={"person": str})
        if "person" in columns:  # so that some labels look wrong
            wrong = table["person"].isin(table["person"].unique()[:6])
            table["label"] = table["label"].where(~wrong, (table["label"] + 3) % 18)
        for column in columns:
            table[column] = MARKUP + table[column].str.partition("_")[2]
        table.to_csv(search.path / name, index_label="row")
    return search


def ledger_of(search, texts):
    """Write a ledger of scored submissions, each of them made as a text says."""
    folder = search.path.parent / "submissions"
    folder.mkdir()
    for number, text in enumerate(texts):
        made = {"experiment": text, "method": text, "members": [text], "file": text, "at": text}
        scores = {"value": 0.5 + number / 100, "low": 0.4, "high": 0.6}
        known = {"out_of_fold": scores, "public": {"macro_f1": 0.5 + number / 50}}
        entry = {**made, **known, "hash": f"{number:016x}", "eval_set": "e", "images": 1}
        with (folder / "ledger.jsonl").open("a") as lines:
            lines.write(json.dumps(entry) + "\n")


def opened(browser, tmp_path, name, page):
    file = tmp_path / name
    if page is not None:
        file.write_text(page)
    browser.get(file.as_uri())
    browser.execute_async_script("setTimeout(arguments[0], 500)")
    for place in browser.find_elements("css selector", "a[href^='javascript'], img[src='x']"):
        raise AssertionError(place.get_attribute("outerHTML"))
    assert "hacked" not in browser.title.split("'")
    assert browser.execute_script("return document.querySelectorAll('script[src]').length") == 0
    return browser.find_element("css selector", "body").get_attribute("textContent")


def test_pages_run_no_script_of_a_name(hostile, own_faces, tiny, tmp_path, browser):
    ledger_of(hostile, [MARKUP] * 4)
    text = opened(
        browser, tmp_path, "report.html", report_page(read_evidence(hostile.path.parent, "large"))
    )
    assert MARKUP in text
    assert run(labels.app, hostile).exit_code == 0
    assert MARKUP in opened(browser, hostile.path, "labels.html", None)
    assert run(submissions.app, hostile, "--fit").exit_code == 0
    assert MARKUP in opened(browser, hostile.path.parent / "submissions", "public.html", None)
    with_names(own_faces)
    config = tiny.with_values({"data.root": str(own_faces)})
    assert NAME in opened(browser, tmp_path, "data.html", data_page(config, Shown(200, 0)))


def with_names(root):
    """Let a person and an eval image be called as markup; both files of the latter are the same."""
    listing = root / "train" / "train.csv"
    table = pd.read_csv(listing, dtype=str)
    (root / "train" / "images" / table.loc[0, "path"]).rename(root / "train" / "images" / NAME)
    table.loc[0, "path"] = NAME
    table.to_csv(listing, index=False)
    listing = root / "eval" / "info.csv"
    table = pd.read_csv(listing, dtype=str)
    content = (root / "eval" / "images" / table.loc[0, "ImageID"]).read_bytes()
    for row, name in enumerate((NAME + "1.jpg", NAME + "2.jpg")):
        (root / "eval" / "images" / name).write_bytes(content)
        table.loc[row, "ImageID"] = name
    table.to_csv(listing, index=False)


@pytest.mark.parametrize("cell", FORMULAS)
def test_csv_for_programs_holds_no_formula(capsys, cell):
    show_data("csv", [{"trial": cell, "of": {"loss": cell, "score": -0.5}}])
    heading, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert heading == ["trial", "loss", "score"]
    assert row == [printable(f"'{cell}")] * 2 + ["-0.5"]


def test_commands_write_csv_without_formulas(search):
    for trial in search.trials():
        record = json.loads((trial.path / "trial.json").read_text())
        change(trial.path / "trial.json", values={**record["values"], "loss.name": "=1+1"})
        trial.path.rename(trial.path.with_name(f"={trial.name}"))
    ledger_of(search, ["=1+1"])
    for app in (leaderboard.app, submissions.app):
        cells = [
            cell
            for row in csv.reader(run(app, search, "--format", "csv").stdout.splitlines())
            for cell in row
        ]
        assert "'=1+1" in cells or "'=trial-001" in cells
        assert [cell for cell in cells if cell.startswith(("=", "+", "@"))] == []


@pytest.mark.parametrize("name", [*FORMULAS[:5], FORMULAS[6], "a\x1b[2J.jpg", "../a.jpg"])
def test_submission_is_not_made_of_names_that_a_spreadsheet_would_run(search, name):
    file = search.path / "eval_images.csv"
    table = pd.read_csv(file, index_col="row")
    table.loc[0, "ImageID"] = name
    table.to_csv(file, index_label="row")
    found = run(ensemble.app, search, "--method", "log")
    assert found.exit_code == 2
    assert f"error: the eval images of {search.path} have a name that a spread" in found.output
    assert not (search.path / "submission.csv").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"ImageID,ans\n=1+1,3\n",
        b"ImageID,ans\n\x1b[2J,3\n",
        b"ImageID,ans\n../../x,3\n",
        b"ImageID,ans\na.jpg,=1+1\n",
        b"ImageID,ans\na.jpg,9" + b"9" * 400 + b"\n",
        b"\x80\x04pickle",
        b"\0" * 100,
        b"",
    ],
)
def test_hostile_submission_of_others_is_not_recorded(search, tmp_path, content):
    (tmp_path / "hostile.csv").write_bytes(content)
    found = run(submissions.app, search, "--add", str(tmp_path / "hostile.csv"))
    assert (found.exit_code, str(tmp_path / "hostile.csv") in found.output) == (2, True)
    assert "\x1b" not in found.output
    assert read_ledger(search.path.parent).submissions == []


def test_tables_and_notes_give_a_terminal_nothing_to_obey(capsys):
    show_table(ESCAPES, [{"trial": ESCAPES, "note": ESCAPES}], [ESCAPES])
    show_data("csv", [{"trial": ESCAPES}])
    show_data("json", [{"trial": ESCAPES}])
    out = capsys.readouterr().out
    assert "\\x1b[2J" in out
    assert out.replace("\n", "").isprintable()


def test_error_gives_a_terminal_nothing_to_obey():
    assert str(UserError(f"a{ESCAPES}\nb")) == r"a\x1b[2J\x1b]0;title\x07\x9b31mred\rover" + "\nb"


def test_ranking_of_hostile_trials_gives_a_terminal_nothing_to_obey(search):
    for trial in search.trials():
        record = json.loads((trial.path / "trial.json").read_text())
        change(trial.path / "trial.json", values={**record["values"], "loss.name": ESCAPES})
        trial.path.rename(trial.path.with_name(ESCAPES + trial.name))
    (search.trials()[0].path / "trial.json").write_text("damaged")
    for app, words in ((leaderboard.app, ()), (ensemble.app, ("--method", "log"))):
        out = run(app, search, *words).output
        assert "\\x1b[2J" in out
        assert out.replace("\n", "").isprintable()


def test_live_table_gives_a_terminal_nothing_to_obey():
    trial = TrialProgress(trial=ESCAPES, values={"loss.name": ESCAPES}, epochs=3)
    broken = TrialProgress(trial="b", values={}, epochs=3, status="failed", reason=ESCAPES)
    goal = SearchGoal(experiment="x", trials=2, epochs=3, started=0.0)
    progress = SearchProgress(goal=goal, trials={"a": trial, "b": broken})
    console = Console(file=io.StringIO(), width=200)
    console.print(SearchTable(progress, 1.0))
    LiveTable(console).say(ESCAPES)
    assert "\\x1b[2J" in console.file.getvalue()
    assert console.file.getvalue().replace("\n", "").isprintable()


@pytest.mark.parametrize("text", [MARKUP, NAME])
def test_page_that_does_not_escape_is_found_out(tmp_path, browser, text):
    with pytest.raises(AssertionError):
        opened(browser, tmp_path, "raw.html", f"<title>large</title><body>{text}")
