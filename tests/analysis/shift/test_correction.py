"""Shares are estimated from joint probabilities; the rule counts images as often as they say."""

import numpy as np
import pytest
from made_up import joint_seen, people

from analysis.ensembles.decision import decide, fitted_rule
from analysis.shift.correction import MASK_SHARES, ShareModel, fitted_share_model
from trainable.labels import decode
from trainable.metrics import macro_f1


def drawn(persons: int, seed: int, apart: float = 1.5, **shares: list[float]):
    random = np.random.default_rng(seed)
    labels, _ = people(persons, random, **shares)
    return joint_seen(labels, random, apart), labels


@pytest.fixture(scope="module")
def model() -> ShareModel:
    return fitted_share_model(*drawn(300, 0))


def true_shares(labels: np.ndarray, task: str) -> np.ndarray:
    return np.bincount(decode(labels)[task]) / len(labels)


def test_five_of_seven_images_wear_a_mask():
    assert pytest.approx([5 / 7, 1 / 7, 1 / 7]) == MASK_SHARES


@pytest.mark.parametrize("seed", range(1, 4))
def test_shares_of_other_persons_are_within_three_points(model, seed):
    joint, labels = drawn(300, seed, gender=[0.6, 0.4], age=[0.3, 0.4, 0.3])
    found = model.estimate(joint)
    for task in ("gender", "age"):
        assert found[task] == pytest.approx(true_shares(labels, task), abs=0.03)
        assert np.abs(found[task] - model.shares[task]).max() > 0.1
    assert found["mask"] == pytest.approx(MASK_SHARES)


def test_estimate_of_the_known_images_is_what_is_known(model):
    found = model.estimate(model.joint)
    for task in ("gender", "age"):
        assert found[task] == pytest.approx(model.shares[task], abs=0.03)


def test_rule_for_the_known_shares_is_the_fitted_rule(model):
    usual = fitted_rule(model.joint, model.labels)
    assert model.rule_for(model.shares) == pytest.approx(usual)
    assert model.rule_for({}) == pytest.approx(usual)


def test_rule_for_other_shares_counts_images_by_the_ratio(model):
    shares = {"gender": model.shares["gender"] * [1.5, 1], "age": model.shares["age"] * [1, 2, 3]}
    weights = np.array([1.5, 3, 4.5, 1, 2, 3] * 3)
    assert model.rule_for(shares) == pytest.approx(fitted_rule(model.joint, model.labels, weights))


def test_corrected_rule_scores_higher_where_shares_did_shift(model):
    joint, labels = drawn(600, 4, age=[0.1, 0.2, 0.7])
    rules = (fitted_rule(model.joint, model.labels), model.rule_for(model.estimate(joint)))
    usual, corrected = (macro_f1(labels, decide(joint, rule)) for rule in rules)
    assert corrected > usual + 0.01


def test_class_that_is_not_known_counts_half_an_image():
    joint, labels = drawn(30, 5, age=[0.5, 0.5, 0])
    age = fitted_share_model(joint, labels).shares["age"]
    assert age[2] == pytest.approx(0.5 / (len(labels) + 0.5))
