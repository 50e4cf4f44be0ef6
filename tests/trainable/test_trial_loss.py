"""The loss of a whole network is the sum over its heads that the settings describe."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch.nn import functional

from trainable.config import TrialConfig
from trainable.heads import (
    bracket_logits,
    class_targets,
    section_outputs,
    section_sizes,
    task_target,
    year_targets,
)
from trainable.labels import TASKS, age_class, encode
from trainable.losses import LOSSES, TrialLoss, inverse_class_weights

LABELS = torch.tensor([0, 5, 17, 5, 9, 2])
TARGETS = class_targets(LABELS)
YEARS = torch.tensor([19.0, 58.0, 63.0])
NAMES = tuple(LOSSES)
MULTI = {"model.heads": "multi"}
BY_YEARS = {"model.heads": "age", "model.age_head": "distribution"}


def trial(values: dict) -> TrialConfig:
    return TrialConfig().with_values(values)


def outputs_of(config: TrialConfig, rows: int = len(LABELS)) -> torch.Tensor:
    width = sum(section_sizes(config.model).values())
    return 2 * torch.randn(rows, width, generator=torch.Generator().manual_seed(0))


def loss_of(config: TrialConfig, targets: torch.Tensor = TARGETS) -> float:
    return TrialLoss(config, targets)(outputs_of(config, len(targets)), targets).item()


def year_side(cutoff: int = 60, spread: float = 4.0) -> torch.Tensor:
    """Return targets (3, 78) of men of 19, 58 and 63 who wear masks."""
    labels = torch.from_numpy(encode(0, 0, age_class(YEARS.numpy(), cutoff)))
    return torch.cat([class_targets(labels), year_targets(YEARS, spread)], dim=1)


def head_losses(config: TrialConfig) -> dict[str, float]:
    """Return the loss of each head of several alone, by functional.cross_entropy."""
    heads = section_outputs(outputs_of(config), config.model)
    return {
        task: functional.cross_entropy(heads[task], task_target(TARGETS, task)).item()
        for task in heads
    }


def test_mix_is_the_weighted_sum_of_its_losses():
    mixed = loss_of(trial({"loss.mix.focal": 0.2, "loss.mix.f1": 0.5}))
    parts = {name: loss_of(trial({"loss.name": name})) for name in NAMES}
    expected = 0.3 * parts["cross_entropy"] + 0.2 * parts["focal"] + 0.5 * parts["f1"]
    assert mixed == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("class_weights", ["none", "inverse"])
def test_loss_of_several_heads_is_the_sum_of_mask_gender_and_age(name, class_weights):
    values = {"loss.name": name, "loss.smoothing": 0.1, "loss.class_weights": class_weights}
    config = trial({**MULTI, **values})
    heads = section_outputs(outputs_of(config), config.model)
    expected = 0.0
    for task in TASKS:
        target = task_target(TARGETS, task)
        weights = None if class_weights == "none" else inverse_class_weights(target.sum(0))
        expected += LOSSES[name](heads[task], target, config.loss, weights).item()
    assert loss_of(config) == pytest.approx(expected)


@pytest.mark.parametrize("task", TASKS)
def test_weight_of_a_head_multiplies_its_loss_alone(task):
    config = trial({**MULTI, f"loss.{task}.weight": 3.0})
    parts = head_losses(config)
    assert loss_of(config) == pytest.approx(sum(parts.values()) + 2 * parts[task])


@pytest.mark.parametrize("task", TASKS)
def test_head_has_the_loss_of_its_own_name(task):
    config = trial({**MULTI, f"loss.{task}.name": "focal"})
    parts = head_losses(config)
    logits = section_outputs(outputs_of(config), config.model)[task]
    parts[task] = LOSSES["focal"](logits, task_target(TARGETS, task), config.loss, None).item()
    assert loss_of(config) == pytest.approx(sum(parts.values()))


@pytest.mark.parametrize("task", TASKS)
def test_network_for_one_task_has_the_loss_of_that_head_alone(task):
    config = trial({"model.heads": task})
    assert loss_of(config) == pytest.approx(head_losses(config)[task])


@pytest.mark.parametrize("class_weights", ["inverse", "effective"])
def test_class_weights_are_counted_over_the_training_side_not_the_batch(class_weights):
    side = class_targets(torch.tensor([0, 0, 5]))
    config = trial({"loss.class_weights": class_weights, "loss.beta": 0.5})
    # beta 1/2: two images count 1.5, so both kinds differ.
    rare = {"inverse": 2.0, "effective": 1.5}[class_weights]
    outputs = outputs_of(config, 3)
    batch = torch.tensor([5, 5, 0])
    single = functional.cross_entropy(outputs, batch, reduction="none")
    found = TrialLoss(config, side)(outputs, class_targets(batch)).item()
    expected = (rare * (single[0] + single[1]) + single[2]) / (2 * rare + 1)
    assert found == pytest.approx(expected.item())


def test_batch_in_which_classes_are_missing_has_a_finite_weighted_loss():
    config = trial({**MULTI, "loss.class_weights": "inverse", "loss.mix.f1": 0.5})
    found = TrialLoss(config, TARGETS)(outputs_of(config)[:2], TARGETS[:2])
    assert torch.isfinite(found)


def test_learned_weights_start_as_equal_ones():
    config = trial({**MULTI, "loss.weighting": "uncertainty"})
    assert loss_of(config) == pytest.approx(sum(head_losses(config).values()))


def test_gradient_of_a_learned_weight_by_hand():
    # d/ds (exp(-s) L + s / 2) = 1/2 - exp(-s) L
    config = trial({**MULTI, "loss.weighting": "uncertainty"})
    loss = TrialLoss(config, TARGETS)
    with torch.no_grad():
        loss.log_variances.copy_(torch.tensor([0.0, 1.0, -1.0]))
    loss(outputs_of(config), TARGETS).backward()
    mask, gender, age = head_losses(config).values()
    expected = [0.5 - mask, 0.5 - math.exp(-1) * gender, 0.5 - math.e * age]
    assert loss.log_variances.grad.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_learned_weights_rest_at_one_over_twice_the_loss_whatever_the_fixed_ones(weight):
    config = trial({**MULTI, "loss.weighting": "uncertainty", "loss.age.weight": weight})
    loss = TrialLoss(config, TARGETS)
    parts = torch.tensor(list(head_losses(config).values()))
    with torch.no_grad():
        loss.log_variances.copy_((2 * parts).log())
    found = loss(outputs_of(config), TARGETS)
    found.backward()
    assert loss.log_variances.grad.abs().max() < 1e-6
    assert found.item() == pytest.approx((0.5 + (2 * parts).log() / 2).sum().item())


def test_fixed_weights_are_not_learned():
    assert list(TrialLoss(trial(MULTI), TARGETS).parameters()) == []


def test_age_distribution_costs_its_divergence_and_a_share_of_its_brackets_loss():
    config = trial({**BY_YEARS, "loss.age_bracket": 0.25, "loss.smoothing": 0.1})
    side, outputs = year_side(), outputs_of(config, 3)
    predicted = functional.softmax(outputs, dim=1).numpy()
    # scipy's relative entropy of the labels' distributions, a mean over the images
    divergence = entropy(side[:, 18:].numpy(), predicted, axis=1).mean()
    brackets = np.stack([part.sum(1) for part in np.split(predicted, [15, 45], axis=1)], axis=1)
    target = 0.9 * np.eye(3)[[0, 1, 2]] + 0.1 / 3
    expected = divergence - 0.25 * (target * np.log(brackets)).sum(1).mean()
    assert loss_of(config, side) == pytest.approx(expected, rel=1e-5)


def test_predicting_the_label_s_own_distribution_costs_no_divergence():
    side = year_side()
    loss = TrialLoss(trial({**BY_YEARS, "loss.age_bracket": 0.0}), side)
    assert loss(side[:, 18:].log().clamp(min=-80), side).item() == pytest.approx(0, abs=1e-6)


def test_cutoff_is_where_the_brackets_of_training_are_cut():
    config = trial({**BY_YEARS, "train.age_cutoff": 58, "loss.age_bracket": 1.0})
    side, outputs = year_side(cutoff=58), outputs_of(config, 3)
    without = TrialLoss(config.with_values({"loss.age_bracket": 0.0}), side)(outputs, side)
    found = TrialLoss(config, side)(outputs, side) - without
    logits = bracket_logits(outputs, 58)
    expected = functional.cross_entropy(logits, torch.tensor([0, 2, 2]))
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_class_weights_of_an_age_distribution_act_on_its_brackets():
    # Two of three are below 30: inverse weights 2/3 and 4/3 of the brackets' losses.
    config = trial({**BY_YEARS, "loss.class_weights": "inverse", "loss.age_bracket": 1.0})
    side = year_side()[[0, 0, 1]]
    outputs = outputs_of(config, 3)
    single = functional.cross_entropy(
        bracket_logits(outputs, 60), torch.tensor([0, 0, 1]), reduction="none"
    )
    plain = config.with_values({"loss.age_bracket": 0.0})
    divergence = TrialLoss(plain, side)(outputs, side)
    found = TrialLoss(config, side)(outputs, side) - divergence
    expected = (2 * (single[0] + single[1]) / 3 + 4 * single[2] / 3) / (8 / 3)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("heads", ["joint", "multi"])
def test_loss_is_reckoned_in_full_precision(heads):
    config = trial({"model.heads": heads})
    half, loss = outputs_of(config).bfloat16(), TrialLoss(config, TARGETS)
    assert torch.equal(loss(half, TARGETS), loss(half.float(), TARGETS))
    assert loss(half, TARGETS).dtype == torch.float32


@pytest.mark.parametrize("size", [1e4, 100.0, 1e-3])
def test_gradients_of_an_age_distribution_are_finite_at_extreme_logits(size):
    config = trial({**BY_YEARS, "loss.name": "focal", "loss.gamma": 0.5})
    side = year_side(spread=0.1)
    outputs = (size * outputs_of(config, 3)).requires_grad_()
    loss = TrialLoss(config, side)(outputs, side)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()
