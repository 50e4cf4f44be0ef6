"""Decision rules: a gradient that is right, rare classes found, weights that count as copies do."""

import numpy as np
import pytest
from made_up import joint_seen, people
from scipy.optimize import check_grad

from analysis.ensembles import decision
from analysis.ensembles.decision import MEMBERSHIP, NO_RULE, decide, fitted_rule, rule_sentence
from analysis.ensembles.evidence import logarithms
from trainable.labels import CLASS_COUNT
from trainable.metrics import macro_f1


def drawn(persons: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels, _ = people(persons, random)
    return joint_seen(labels, random, 0.7), labels


@pytest.mark.parametrize("temperature", decision.TEMPERATURES)
@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_loss_is_its_slope(seed, temperature):
    joint, labels = drawn(10, seed)
    random = np.random.default_rng(seed)
    logs, truth = logarithms(joint) / temperature, np.eye(CLASS_COUNT)[labels]
    counts = random.uniform(0.2, 3, CLASS_COUNT)[labels][:, np.newaxis]

    def loss(numbers):
        return decision._loss(numbers, logs, truth, counts, temperature)

    apart = check_grad(
        lambda numbers: loss(numbers)[0], lambda numbers: loss(numbers)[1], random.normal(size=8)
    )
    assert apart < 1e-6


def test_fitted_rule_finds_rare_classes_also_among_new_persons():
    joint, labels = drawn(150, 0)
    rule = fitted_rule(joint, labels)
    for same_or_new in ((joint, labels), drawn(300, 1)):
        given, truth = same_or_new
        before, after = (macro_f1(truth, decide(given, added)) for added in (NO_RULE, rule))
        assert after > before + 0.02


def test_rule_answers_rare_ages_more_often():
    joint, labels = drawn(150, 0)
    rule = fitted_rule(joint, labels).reshape(3, 2, 3)
    assert np.all(rule[:, :, 2] > rule[:, :, 0])


def test_no_rule_answers_the_most_probable_class():
    joint, _ = drawn(10, 0)
    assert not NO_RULE.any()
    assert np.array_equal(decide(joint, NO_RULE), joint.argmax(axis=1))


def test_rule_is_a_sum_of_eight_numbers():
    rule = fitted_rule(*drawn(30, 0))
    numbers = np.linalg.lstsq(MEMBERSHIP.T, rule, rcond=None)[0]
    assert numbers @ MEMBERSHIP == pytest.approx(rule)
    assert np.ptp(rule) > 0


def test_image_that_counts_twice_is_as_good_as_a_copy():
    joint, labels = drawn(30, 0)
    again = np.flatnonzero(labels == 2)
    assert len(again)
    rows = np.concatenate([np.arange(len(labels)), again])
    twice = fitted_rule(joint, labels, np.where(np.arange(CLASS_COUNT) == 2, 2.0, 1.0))
    assert twice == pytest.approx(fitted_rule(joint[rows], labels[rows]), abs=1e-3)


def test_class_that_never_occurs_leaves_the_rule_finite():
    joint, labels = drawn(30, 0)
    rows = np.flatnonzero(labels % 3 != 2)
    assert np.isfinite(fitted_rule(joint[rows], labels[rows])).all()


def test_sentence_tells_each_class_against_the_first_of_its_task():
    numbers = np.array([0.5, 0.6, 0.4, 1.0, 1.25, -0.1, 0.0, 0.9])
    assert rule_sentence(numbers @ MEMBERSHIP) == (
        "worn +0.00, incorrect +0.10, not worn -0.10, male +0.00, female +0.25, "
        "<30 +0.00, 30-59 +0.10, >=60 +1.00"
    )
