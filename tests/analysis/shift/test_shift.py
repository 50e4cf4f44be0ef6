"""The rule is corrected where told to, or where the check says so, and people are told why."""

import numpy as np
import pytest
from made_up import joint_seen, made_up, people

from analysis.ensembles.built import Built
from analysis.ensembles.choice import compare
from analysis.ensembles.nested import fit_ensembles
from analysis.shift.check import Check
from analysis.shift.correction import fitted_share_model
from analysis.shift.shift import Shift, _most_helpful, shift_of


@pytest.fixture(scope="module")
def built() -> Built:
    known = made_up(persons=60, apart=(1.0, 1.0))
    [chosen] = compare(known, 2, ["soft"], [True])
    [ensemble] = fit_ensembles("soft", known, 2, [True]).values()
    rows = np.arange(len(known.labels), dtype=np.int32)
    return Built([], rows, known, [chosen], chosen, ensemble, 2, "")


@pytest.fixture(scope="module")
def eval_joint() -> np.ndarray:
    random = np.random.default_rng(9)
    labels, _ = people(60, random, gender=[0.8, 0.2])
    return joint_seen(labels, random, 1.5)


def test_off_leaves_the_rule_alone_and_still_tells_the_shares(built, eval_joint):
    found = shift_of(built, eval_joint, "off")
    assert np.array_equal(found.added, built.ensemble.added)
    assert found.corrected == ()
    gender, age = found.sentences
    assert gender.startswith("gender, out-of-fold -> estimated of eval: male ")
    assert gender.endswith("not corrected, as told")
    assert ">=60" in age


def test_on_fits_the_rule_to_the_estimated_shares_of_both(built, eval_joint):
    found = shift_of(built, eval_joint, "on")
    model = fitted_share_model(built.joint, built.known.labels)
    estimated = model.estimate(eval_joint)
    rule = model.rule_for({task: estimated[task] for task in ("gender", "age")})
    assert found.added == pytest.approx(rule)
    assert not np.allclose(rule, built.ensemble.added)
    assert all(sentence.endswith("; corrected, as told") for sentence in found.sentences)


def test_auto_corrects_only_what_the_check_says_and_tells_what_it_tried(built, eval_joint):
    found = shift_of(built, eval_joint, "auto")
    helping = tuple(task for task, check in found.checks.items() if check.helps)
    assert set(found.checks) == {"gender", "age"}
    assert found.corrected == helping == ()
    assert np.array_equal(found.added, built.ensemble.added)
    assert all("not corrected: tried on known persons, esti" in one for one in found.sentences)


def test_sentence_gives_shares_in_percent_and_what_was_gained():
    shares = {"gender": np.array([0.39, 0.61]), "age": np.array([0.5, 0.4, 0.1])}
    there = {"gender": np.array([0.6, 0.4]), "age": np.array([0.5, 0.3, 0.2])}
    checks = {
        "gender": Check(0.02, 0.01, 0.04, 0.0, 0.03),
        "age": Check(0.01, -0.01, 0.03, 0.0, 0.05),
    }
    gender, age = Shift(shares, there, checks, ("gender",), np.zeros(18)).sentences
    assert gender == (
        "gender, out-of-fold -> estimated of eval: male 39% -> 60%, female 61% -> 40%; corrected: "
        "tried on known persons, estimates were off by 3 points, macro-F1 +0.020 (+0.010 to "
        "+0.040), where nothing shifted +0.000"
    )
    assert ">=60 10% -> 20%; not corrected: tried" in age


def test_of_two_corrections_that_help_the_better_one_is_taken():
    helps, more = Check(0.02, 0.01, 0.04, 0.0, 0.03), Check(0.03, 0.01, 0.05, 0.0, 0.03)
    harms = Check(0.05, -0.01, 0.09, 0.0, 0.03)
    assert _most_helpful({"gender": helps, "age": more}) == ("age",)
    assert _most_helpful({"gender": helps, "age": harms}) == ("gender",)
    assert _most_helpful({"gender": harms, "age": harms}) == ()
