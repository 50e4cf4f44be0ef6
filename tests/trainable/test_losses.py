"""Each loss is the number that its equation gives, and its gradients are finite."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional

from trainable.config import LossConfig, MixConfig
from trainable.heads import SECTIONS, section_labels
from trainable.losses import (
    LOSSES,
    cross_entropy,
    focal,
    inverse_class_weights,
    make_loss,
    soft_f1,
)

LABELS = torch.tensor([0, 5, 17, 5, 9, 2])
NAMES = tuple(LOSSES)
PLAIN = LossConfig()


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(len(LABELS), 18, generator=torch.Generator().manual_seed(0))


def loss_of(config: LossConfig, outputs: torch.Tensor, heads: str = "joint") -> float:
    return make_loss(config, heads, LABELS)(outputs, LABELS).item()


def log_odds(*probabilities: float) -> torch.Tensor:
    """Return logits (1, C) whose softmax is ``probabilities``."""
    return torch.tensor([probabilities]).log()


def test_cross_entropy_by_hand():
    found = cross_entropy(log_odds(0.25, 0.75), torch.tensor([0]), PLAIN, None)
    assert found.item() == pytest.approx(math.log(4))


def test_smoothed_cross_entropy_by_hand():
    config = LossConfig(smoothing=0.2)
    found = cross_entropy(log_odds(0.25, 0.75), torch.tensor([0]), config, None)
    assert found.item() == pytest.approx(-0.9 * math.log(0.25) - 0.1 * math.log(0.75))


def test_focal_by_hand():
    found = focal(log_odds(0.25, 0.75), torch.tensor([0]), LossConfig(gamma=2), None)
    assert found.item() == pytest.approx(0.75**2 * math.log(4))


def test_weighted_focal_by_hand():
    both = torch.cat([log_odds(0.25, 0.75)] * 2)
    found = focal(both, torch.tensor([0, 1]), LossConfig(gamma=1), torch.tensor([3.0, 1.0]))
    first, second = 3 * 0.75 * math.log(4), 0.25 * math.log(4 / 3)
    assert found.item() == pytest.approx((first + second) / 4)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, torch.linspace(0.5, 2, 18)])
def test_focal_without_focus_is_cross_entropy(logits, smoothing, weights):
    config = LossConfig(gamma=0, smoothing=smoothing)
    expected = functional.cross_entropy(logits, LABELS, weights, label_smoothing=smoothing)
    assert focal(logits, LABELS, config, weights).item() == pytest.approx(expected.item())


def test_soft_f1_by_hand():
    # p = (1/4, 3/4) for both images, labels 0 and 1: F1 is 2*.25/(.5+1) and 2*.75/(1.5+1)
    both = torch.cat([log_odds(0.25, 0.75)] * 2)
    found = soft_f1(both, torch.tensor([0, 1]), PLAIN, None)
    assert found.item() == pytest.approx(1 - (1 / 3 + 3 / 5) / 2)


def test_soft_f1_weighs_classes():
    both = torch.cat([log_odds(0.25, 0.75)] * 2)
    found = soft_f1(both, torch.tensor([0, 1]), PLAIN, torch.tensor([3.0, 1.0]))
    assert found.item() == pytest.approx(1 - (3 * 1 / 3 + 3 / 5) / 4)


def test_smoothed_soft_f1_by_hand():
    # the target is (.9, .1); class 0 alone is a label
    config = LossConfig(smoothing=0.2)
    found = soft_f1(log_odds(0.25, 0.75), torch.tensor([0]), config, None)
    assert found.item() == pytest.approx(1 - 2 * 0.25 * 0.9 / (0.25 + 0.9))


def test_soft_f1_counts_the_classes_of_the_batch_alone():
    found = soft_f1(log_odds(0.5, 0.25, 0.25), torch.tensor([0]), PLAIN, None)
    assert found.item() == pytest.approx(1 - 2 * 0.5 / 1.5)


@pytest.mark.parametrize("name", NAMES)
def test_perfect_prediction_costs_nothing(name):
    perfect = 100 * functional.one_hot(LABELS, 18).float()
    assert loss_of(LossConfig(name=name), perfect) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_better_prediction_costs_less(name, logits):
    better = logits + functional.one_hot(LABELS, 18)
    assert loss_of(LossConfig(name=name), better) < loss_of(LossConfig(name=name), logits)


def test_mix_is_the_weighted_sum_of_its_losses(logits):
    mixed = LossConfig(name="cross_entropy", mix=MixConfig(focal=0.2, f1=0.5))
    parts = {name: loss_of(LossConfig(name=name), logits) for name in NAMES}
    expected = 0.3 * parts["cross_entropy"] + 0.2 * parts["focal"] + 0.5 * parts["f1"]
    assert loss_of(mixed, logits) == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("class_weights", ["none", "inverse"])
def test_multi_head_loss_is_the_sum_of_mask_gender_and_age(name, class_weights, logits):
    config = LossConfig(name=name, smoothing=0.1, class_weights=class_weights)
    heads, targets = logits[:, :8].split((3, 2, 3), 1), section_labels(LABELS, "multi")
    expected = 0.0
    for head, labels in zip(heads, targets, strict=True):
        weights = inverse_class_weights(labels, head.shape[1])
        used = weights if class_weights == "inverse" else None
        expected += LOSSES[name](head, labels, config, used).item()
    assert loss_of(config, logits[:, :8], "multi") == pytest.approx(expected)


def test_class_weights_are_inverse_counts_with_mean_one():
    weights = inverse_class_weights(torch.tensor([0, 0, 0, 2]), 4)
    assert weights.tolist() == pytest.approx([0.5, 0, 1.5, 0])


@given(st.lists(st.integers(0, 17), min_size=1, max_size=200))
def test_class_weights_have_mean_one_over_the_classes_that_occur(labels):
    weights = inverse_class_weights(torch.tensor(labels), 18)
    assert (weights > 0).sum() == len(set(labels))
    assert weights[weights > 0].mean().item() == pytest.approx(1, rel=1e-4)


def test_class_weights_are_counted_over_the_training_side_not_the_batch(logits):
    config = LossConfig(class_weights="inverse")
    side = torch.cat([LABELS, torch.zeros(60, dtype=torch.long)])
    weights = inverse_class_weights(side, 18)
    found = make_loss(config, "joint", side)(logits, LABELS)
    assert torch.equal(found, functional.cross_entropy(logits, LABELS, weight=weights))


@pytest.mark.parametrize("heads", ["joint", "multi"])
@pytest.mark.parametrize("name", NAMES)
@given(
    values=arrays(np.float32, (6, 18), elements=st.floats(-1e4, 1e4, width=32)),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0, 10.0]),
    smoothing=st.sampled_from([0.0, 0.2]),
    class_weights=st.sampled_from(["none", "inverse"]),
)
def test_gradients_are_finite_at_extreme_logits(
    heads, name, values, gamma, smoothing, class_weights
):
    outputs = torch.tensor(values[:, : sum(SECTIONS[heads])], requires_grad=True)
    config = LossConfig(name=name, gamma=gamma, smoothing=smoothing, class_weights=class_weights)
    loss = make_loss(config, heads, LABELS)(outputs, LABELS)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()


def test_loss_is_reckoned_in_full_precision(logits):
    half = logits.bfloat16()
    assert loss_of(PLAIN, half) == loss_of(PLAIN, half.float())
