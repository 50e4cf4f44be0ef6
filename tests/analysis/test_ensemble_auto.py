"""Without options: methods are compared, the simplest good one is handed in, and it is said why."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from analysis.ensembles.combining import METHODS
from analysis.ledger import read_ledger
from trainable.store import ExperimentFolder

MEMBERS = ("peaked", "steady", "early")
QUICK = ("--prior-shift", "off")


def rows_of(result) -> dict[str, dict[str, float]]:
    return {row["member"]: row for row in json.loads(result.stdout)}


def submitted(experiment: ExperimentFolder) -> np.ndarray:
    return pd.read_csv(experiment.path / "submission.csv")["ans"].to_numpy()


def test_all_methods_are_compared_and_the_simplest_good_one_is_submitted(run_ensemble, experiment):
    result = run_ensemble("--format", "json")
    rows = rows_of(result)
    compared = {*METHODS, *(f"{method} + rule" for method in METHODS)}
    assert set(rows) == {*MEMBERS, *compared, "ensemble"}
    assert list(rows)[:3] == list(MEMBERS)
    [keys] = {tuple(row) for row in rows.values()}
    chosen = {key: rows["log"][key] for key in keys if "held" not in key and key != "member"}
    assert {key: rows["ensemble"][key] for key in chosen} == chosen
    [kept] = read_ledger(experiment.path.parent).submissions
    assert kept.entry.method == "log"
    assert kept.entry.members == list(MEMBERS)
    assert kept.entry.out_of_fold.value == pytest.approx(rows["log"]["macro_f1"])
    assert kept.entry.out_of_fold.low < kept.entry.out_of_fold.value < kept.entry.out_of_fold.high
    assert kept.entry.images == len(submitted(experiment)) == 10


def test_table_fits_80_columns_and_sentences_say_why_and_how_sure(run_ensemble, experiment):
    """All nine methods, the held-out columns, and the reasons below."""
    table, sentences = run_ensemble(*QUICK).stdout.split("\n\n", 1)
    lines = table.splitlines()
    assert max(map(len, lines)) <= 80
    assert "held-out" in lines[1]
    assert len(lines) == 4 + 3 + 2 * len(METHODS) + 1
    assert lines[-1].startswith("ensemble")
    [kept] = read_ledger(experiment.path.parent).submissions
    found = kept.entry.out_of_fold
    assert (
        f"expected on the 10 eval images: macro-F1 {found.value:.3f}, with 95 % from "
        f"{found.low:.3f} to {found.high:.3f}\n" in sentences
    )
    assert re.search(
        r"log is the simplest that is not clearly worse than rank \(-0\.\d{3}, -0\.\d{3} to \+0",
        sentences,
    )


def test_expected_interval_is_wider_than_that_of_the_known_persons(run_ensemble, experiment):
    row = rows_of(run_ensemble("--method", "log", "--rule", "argmax", *QUICK, "--format", "json"))
    found = read_ledger(experiment.path.parent).submissions[0].entry.out_of_fold
    assert found.low < row["ensemble"]["low"]
    assert found.high > row["ensemble"]["high"]


@pytest.mark.parametrize(
    ("rule", "compared"),
    [("argmax", ["log"]), ("offsets", ["log + rule"]), ("auto", ["log", "log + rule"])],
)
def test_rules_that_are_asked_for_are_compared(run_ensemble, rule, compared):
    words = ("--method", "log", "--rule", rule, *QUICK)
    rows = rows_of(run_ensemble(*words, "--format", "json"))
    assert list(rows) == [*MEMBERS, *compared, "ensemble"]
    is_told = "decision rule, added to logarithms: worn +0.00" in run_ensemble(*words).stdout
    assert is_told == (rule == "offsets")


def test_prior_shift_on_submits_the_corrected_rule_and_tells_it(run_ensemble, experiment):
    words = ("--method", "log", "--rule", "offsets", "--prior-shift")
    plain, said = run_ensemble(*words, "off").stdout, run_ensemble(*words, "on").stdout
    assert plain.count("not corrected, as told") == 2
    assert said.count("; corrected, as told") == 2
    told = [re.search(r"decision rule.*", text).group() for text in (plain, said)]
    assert told[0] != told[1]


def test_prior_shift_auto_tells_what_it_tried(run_ensemble):
    said = run_ensemble("--method", "log", "--rule", "offsets").stdout
    assert (
        len(re.findall(r"corrected: tried on known persons, estimates were off by \d", said)) == 2
    )


def test_same_ensemble_again_is_the_same_submission(run_ensemble, experiment):
    words = ("--method", "weighted", "--rule", "argmax", *QUICK)
    assert "recorded as submission 1" in run_ensemble(*words).stderr
    assert "already: weighted" in run_ensemble(*words).stderr
    assert len(read_ledger(experiment.path.parent).submissions) == 1
