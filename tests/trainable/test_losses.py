"""Each loss of classes is the number that its equation or a library gives; gradients are finite."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from trainable.heads import class_targets
from trainable.losses import (
    LOSSES,
    cross_entropy,
    effective_class_weights,
    focal,
    inverse_class_weights,
    soft_f1,
)
from trainable.sections.loss import LossConfig

LABELS = torch.tensor([0, 5, 17, 5, 9, 2])
TARGET = class_targets(LABELS)
WEIGHTS = torch.linspace(0.5, 2, 18)
PLAIN = LossConfig()
FIRST, BOTH = torch.tensor([[1.0, 0.0]]), torch.eye(2)
"""Targets of one image of class 0, and of an image of each of two classes."""


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(len(LABELS), 18, generator=torch.Generator().manual_seed(0))


def log_odds(*probabilities: float) -> torch.Tensor:
    """Return logits (1, C) whose softmax is ``probabilities``."""
    return torch.tensor([probabilities]).log()


def test_cross_entropy_by_hand():
    found = cross_entropy(log_odds(0.25, 0.75), FIRST, PLAIN, None)
    assert found.item() == pytest.approx(math.log(4))


def test_smoothed_cross_entropy_by_hand():
    found = cross_entropy(log_odds(0.25, 0.75), FIRST, LossConfig(smoothing=0.2), None)
    assert found.item() == pytest.approx(-0.9 * math.log(0.25) - 0.1 * math.log(0.75))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_cross_entropy_and_focal_without_focus_are_that_of_torch(logits, name, weights, smoothing):
    config = LossConfig(gamma=0, smoothing=smoothing)
    found = LOSSES[name](logits, TARGET, config, weights)
    expected = functional.cross_entropy(logits, LABELS, weights, label_smoothing=smoothing)
    assert found.item() == pytest.approx(expected.item())


def test_focal_by_hand():
    found = focal(log_odds(0.25, 0.75), FIRST, LossConfig(gamma=2), None)
    assert found.item() == pytest.approx(0.75**2 * math.log(4))


def test_smoothed_focal_keeps_its_focus_on_the_label():
    found = focal(log_odds(0.25, 0.75), FIRST, LossConfig(gamma=2, smoothing=0.2), None)
    assert found.item() == pytest.approx(0.75**2 * (0.9 * math.log(4) + 0.1 * math.log(4 / 3)))


def test_weighted_focal_by_hand():
    both = torch.cat([log_odds(0.25, 0.75)] * 2)
    found = focal(both, BOTH, LossConfig(gamma=1), torch.tensor([3.0, 1.0]))
    first, second = 3 * 0.75 * math.log(4), 0.25 * math.log(4 / 3)
    assert found.item() == pytest.approx((first + second) / 4)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_of_two_classes_is_the_sigmoid_focal_loss_of_torchvision(gamma):
    odds = torch.linspace(-4, 4, 9)
    labels = torch.tensor([0, 1] * 5)[:9]
    expected = sigmoid_focal_loss(odds, labels.float(), alpha=-1, gamma=gamma, reduction="mean")
    outputs = torch.stack([torch.zeros(9), odds], dim=1)
    found = focal(outputs, torch.eye(2)[labels], LossConfig(gamma=gamma), None)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_mixed_labels_cost_the_mix_of_what_each_costs(logits, name, smoothing):
    config = LossConfig(smoothing=smoothing)
    loss, other = LOSSES[name], TARGET.roll(1, 0)
    found = loss(logits, 0.3 * TARGET + 0.7 * other, config, None)
    expected = 0.3 * loss(logits, TARGET, config, None) + 0.7 * loss(logits, other, config, None)
    assert found.item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_mixed_labels_weigh_as_much_as_their_classes_shares(name):
    config, weights = LossConfig(gamma=0), torch.tensor([3.0, 1.0])
    found = LOSSES[name](log_odds(0.25, 0.75), torch.tensor([[0.5, 0.5]]), config, weights)
    expected = (1.5 * math.log(4) + 0.5 * math.log(4 / 3)) / 2
    assert found.item() == pytest.approx(expected)


def test_soft_f1_by_hand():
    # p = (1/4, 3/4) for both images, labels 0 and 1: F1 is 2*.25/(.5+1) and 2*.75/(1.5+1)
    found = soft_f1(torch.cat([log_odds(0.25, 0.75)] * 2), BOTH, PLAIN, None)
    assert found.item() == pytest.approx(1 - (1 / 3 + 3 / 5) / 2)


def test_soft_f1_weighs_classes():
    both = torch.cat([log_odds(0.25, 0.75)] * 2)
    found = soft_f1(both, BOTH, PLAIN, torch.tensor([3.0, 1.0]))
    assert found.item() == pytest.approx(1 - (3 * 1 / 3 + 3 / 5) / 4)


def test_smoothed_soft_f1_by_hand():
    # the target is (.9, .1); class 0 alone is a label
    found = soft_f1(log_odds(0.25, 0.75), FIRST, LossConfig(smoothing=0.2), None)
    assert found.item() == pytest.approx(1 - 2 * 0.25 * 0.9 / (0.25 + 0.9))


def test_soft_f1_of_mixed_labels_by_hand():
    # p = (1/4, 3/4), target (1/2, 1/2): F1 is 2*.125/.75 and 2*.375/1.25
    found = soft_f1(log_odds(0.25, 0.75), torch.tensor([[0.5, 0.5]]), PLAIN, None)
    assert found.item() == pytest.approx(1 - (1 / 3 + 3 / 5) / 2)


def test_soft_f1_counts_the_classes_of_the_batch_alone():
    found = soft_f1(log_odds(0.5, 0.25, 0.25), torch.tensor([[1.0, 0, 0]]), PLAIN, None)
    assert found.item() == pytest.approx(1 - 2 * 0.5 / 1.5)


@given(seed=st.integers(0, 2**31 - 1), size=st.integers(1, 60))
def test_soft_f1_of_decisions_is_the_macro_f1_of_scikit_learn(seed, size):
    generator = torch.Generator().manual_seed(seed)
    labels, decided = torch.randint(0, 18, (2, size), generator=generator)
    found = soft_f1(1000 * class_targets(decided), class_targets(labels), PLAIN, None)
    expected = f1_score(labels, decided, labels=labels.unique(), average="macro", zero_division=0)
    assert 1 - found.item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_perfect_prediction_costs_nothing(name):
    assert LOSSES[name](100 * TARGET, TARGET, PLAIN, None).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_better_prediction_costs_less(name, logits):
    better = LOSSES[name](logits + TARGET, TARGET, PLAIN, None)
    assert better < LOSSES[name](logits, TARGET, PLAIN, None)


def test_class_weights_are_inverse_counts_with_mean_one():
    weights = inverse_class_weights(torch.tensor([3.0, 0, 1, 0]))
    assert weights.tolist() == pytest.approx([0.5, 0, 1.5, 0])


def test_effective_number_by_hand():
    # beta 1/2: one image counts 1, two count 1.5, three 1.75; weights 1, 2/3, 4/7 have mean 47/63
    weights = effective_class_weights(torch.tensor([1.0, 2, 3, 0]), 0.5)
    expected = [63 / 47, 42 / 47, 36 / 47, 0]
    assert weights.tolist() == pytest.approx(expected)


def test_effective_number_goes_from_one_a_class_to_one_an_image():
    counts = torch.tensor([6000.0, 83, 700, 0])
    assert effective_class_weights(counts, 0.0).tolist() == [1, 1, 1, 0]
    nearly_one = effective_class_weights(counts, 1 - 1e-9)
    assert nearly_one.tolist() == pytest.approx(inverse_class_weights(counts).tolist(), rel=1e-4)


COUNTS = st.lists(st.integers(0, 6000), min_size=18, max_size=18).filter(any)


@given(counts=COUNTS, beta=st.sampled_from([None, 0.0, 0.9, 0.999, 0.99999]))
def test_class_weights_have_mean_one_over_the_classes_that_occur(counts, beta):
    images = torch.tensor(counts).float()
    weights = (
        inverse_class_weights(images) if beta is None else effective_class_weights(images, beta)
    )
    assert torch.equal(weights > 0, images > 0)
    assert weights[weights > 0].mean().item() == pytest.approx(1, rel=1e-4)
    assert weights.dtype == torch.float32


MIXED = 0.4 * TARGET + 0.6 * TARGET.roll(1, 0)


@pytest.mark.parametrize("name", LOSSES)
@given(
    seed=st.integers(0, 2**31 - 1),
    size=st.sampled_from([1e4, 17.0, 1.0, 0.0]),
    gamma=st.sampled_from([0.0, 0.01, 0.5, 1.0, 2.0, 10.0]),
    smoothing=st.sampled_from([0.0, 0.2]),
    weights=st.sampled_from([None, WEIGHTS]),
    target=st.sampled_from([TARGET, MIXED]),
)
def test_gradients_are_finite_at_extreme_logits(
    name, seed, size, gamma, smoothing, weights, target
):
    generator = torch.Generator().manual_seed(seed)
    # Some logits are right by far, some wrong by far, some near the last digit of certainty.
    random = torch.randint(-1, 2, target.shape, generator=generator) + 0.1 * TARGET
    logits = (size * random).requires_grad_()
    loss = LOSSES[name](logits, target, LossConfig(gamma=gamma, smoothing=smoothing), weights)
    loss.backward()
    assert torch.isfinite(loss)
    assert loss >= 0
    assert torch.isfinite(logits.grad).all()
