"""The check draws persons to other shares, and says yes only where nearly all draws gained."""

import numpy as np
import pytest
from made_up import SHARES, joint_seen, people

from analysis.shift.check import Check, Known, check_correction, drawn
from trainable.labels import decode


def known_of(persons: int, apart: float, seed: int = 0) -> Known:
    random = np.random.default_rng(seed)
    labels, names = people(persons, random)
    codes = np.unique(names, return_inverse=True)[1]
    return Known(joint_seen(labels, random, apart), labels, codes)


def test_drawn_persons_have_the_wanted_shares_and_all_their_images():
    known = known_of(300, 1.0)
    found = drawn(known, "gender", np.array([0.9, 0.1]), np.random.default_rng(0))
    assert len(found.labels) == len(known.labels)
    gender = decode(found.labels)["gender"]
    assert np.bincount(gender) / len(gender) == pytest.approx([0.9, 0.1], abs=0.05)
    assert set(np.bincount(found.codes) % 7) == {0}
    assert np.bincount(decode(found.labels)["mask"]) / len(gender) == pytest.approx(SHARES["mask"])


def test_drawn_images_keep_their_own_classes_and_probabilities():
    known = known_of(20, 1.0)
    found = drawn(known, "age", np.array([0.2, 0.2, 0.6]), np.random.default_rng(0))
    stored = {
        joint.tobytes(): label for joint, label in zip(known.joint, known.labels, strict=True)
    }
    assert [stored[image.tobytes()] for image in found.joint] == found.labels.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_shifted_a_corrected_rule_gains_nothing(seed):
    found = check_correction(known_of(60, 1.0, seed), "gender", SHARES["gender"], has_rule=True)
    assert not found.helps
    assert abs(found.gain) < 0.02


@pytest.mark.parametrize("has_rule", [False, True])
def test_rule_for_far_more_old_persons_helps_clearly(has_rule):
    shares = np.array([0.05, 0.05, 0.9])
    found = check_correction(known_of(400, 0.7), "age", shares, has_rule=has_rule)
    assert found.helps
    assert found.gain > 0.02


def test_without_a_rule_what_any_rule_gains_is_no_gain_of_the_correction():
    known, shares = known_of(60, 1.0), SHARES["gender"]
    found, other = (check_correction(known, "gender", shares, has_rule=r) for r in (False, True))
    assert found.gain <= other.gain


def test_vague_probabilities_estimate_shares_worse():
    shares = np.array([0.7, 0.3])
    errors = [
        check_correction(known_of(60, apart), "gender", shares, has_rule=True).error
        for apart in (0.5, 3.0)
    ]
    assert errors[0] > 2 * errors[1]


def test_interval_must_lie_above_zero():
    assert Check(gain=0.02, low=0.001, high=0.04, unshifted=0.0, error=0.0).helps
    assert not Check(gain=0.02, low=0.0, high=0.04, unshifted=0.0, error=0.0).helps


def test_correction_that_costs_where_nothing_shifted_does_not_help():
    assert not Check(gain=0.03, low=0.01, high=0.05, unshifted=-0.02, error=0.1).helps
