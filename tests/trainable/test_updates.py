"""Losses of batches become the steps that can be worked out by hand."""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import nn

from trainable.config import OptimConfig, TrialConfig
from trainable.device import Device
from trainable.losses import TrialLoss
from trainable.model import make_model
from trainable.settings import Value
from trainable.updates import Updates

CPU = Device("cpu", "float32")
FIXED = nn.Identity()
"""A loss with nothing to learn."""
NAMES = get_args(OptimConfig.model_fields["name"].annotation)
START = (3.0, 4.0)
BACKBONES = ("resnet10t", "mobilenetv3_small_050")


def two_weights() -> nn.ParameterDict:
    return nn.ParameterDict({"weights": torch.tensor(START)})


def settings(**values: Value) -> TrialConfig:
    """Return plain gradient descent with Nesterov's momentum of 0.9, at a rate of 0.1."""
    plain = {"name": "sgd", "lr": 0.1, "weight_decay": 0, "schedule": "constant"}
    return TrialConfig().with_values(
        {f"optim.{name}": value for name, value in (plain | values).items()}
    )


def half_square(model: nn.ParameterDict) -> Callable[[], torch.Tensor]:
    """Return a loss whose gradient is the weights themselves."""
    return lambda: model["weights"].square().sum() / 2


def moved(gradient: tuple[float, float]) -> list[float]:
    """Return START after a first step: 0.1 x (1 + 0.9) gradients."""
    return [weight - 0.19 * part for weight, part in zip(START, gradient, strict=True)]


def network(**values: Value) -> nn.Module:
    torch.manual_seed(0)
    return make_model(TrialConfig().model.model_copy(update=values))


def image_loss(model: nn.Module, seed: int = 0) -> Callable[[], torch.Tensor]:
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    return lambda: nn.functional.cross_entropy(model(images), torch.arange(4))


def changed(before: dict[str, torch.Tensor], model: nn.Module) -> set[str]:
    """Return the first part of the name of all that is not as before."""
    now = model.state_dict()
    return {name.split(".")[0] for name in now if not torch.equal(before[name], now[name])}


def copied(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_plain_step_follows_the_gradient():
    model = two_weights()
    loss = Updates(model, FIXED, settings(), 1, CPU).step(half_square(model))
    assert loss.item() == 12.5
    assert model["weights"].tolist() == pytest.approx(moved((3, 4)))


def test_sharpness_aware_step_follows_the_gradient_a_radius_uphill():
    model = two_weights()
    loss = Updates(model, FIXED, settings(sam_rho=1), 1, CPU).step(half_square(model))
    assert loss.item() == 12.5
    assert model["weights"].tolist() == pytest.approx(moved((3.6, 4.8)))


@pytest.mark.parametrize(
    ("precision", "values", "gradient"),
    [
        ("float32", {}, (0.6, 0.8)),
        ("float16", {}, (0.6, 0.8)),
        ("float32", {"sam_rho": 1}, (0.6, 0.8)),
        ("float32", {"clip_norm": 6}, (3, 4)),
    ],
)
def test_long_gradients_are_cut_to_the_largest_norm(precision, values, gradient):
    model = two_weights()
    config = settings(**({"clip_norm": 1} | values))
    Updates(model, FIXED, config, 1, Device("cpu", precision)).step(half_square(model))
    assert model["weights"].tolist() == pytest.approx(moved(gradient), rel=1e-5)


def test_running_statistics_are_those_of_the_first_look():
    statistics = []
    for rho in (0.0, 0.5):
        model = network()
        updates = Updates(model, FIXED, settings(sam_rho=rho), 2, CPU)
        updates.start_epoch(0)
        updates.step(image_loss(model))
        statistics.append({n: b for n, b in model.named_buffers() if "running" in n})
    assert statistics[0].keys() == statistics[1].keys() != set()
    assert all(torch.equal(statistics[0][name], statistics[1][name]) for name in statistics[0])


def test_running_statistics_go_on_after_a_sharpness_aware_step():
    model = network()
    updates = Updates(model, FIXED, settings(sam_rho=0.5), 2, CPU)
    updates.start_epoch(0)
    updates.step(image_loss(model))
    before = model.bn1.running_mean.clone()
    updates.step(image_loss(model, 1))
    assert not torch.equal(before, model.bn1.running_mean)


@pytest.mark.parametrize("sizes", [(16,), (4, 4, 4, 4)])
def test_gathered_batches_are_one_large_batch(sizes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
    inputs, labels = torch.rand(16, 5), torch.arange(16) % 3
    expected = copied(model)
    config = settings(name="adamw", accumulate=len(sizes))
    updates = Updates(model, FIXED, config, len(sizes), CPU)
    for batch, target in zip(inputs.split(sizes), labels.split(sizes), strict=True):
        assert not changed(expected, model)
        updates.step(lambda b=batch, t=target: nn.functional.cross_entropy(model(b), t))
    torch.manual_seed(0)
    other = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
    optimizer = torch.optim.AdamW(other.parameters(), lr=0.1, weight_decay=0)
    nn.functional.cross_entropy(other(inputs), labels).backward()
    optimizer.step()
    for own, theirs in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-5)


def test_batches_that_are_left_over_are_averaged_by_their_own_number():
    gathered, alone = two_weights(), two_weights()
    five_in_pairs = Updates(gathered, FIXED, settings(accumulate=2), 5, CPU)
    three = Updates(alone, FIXED, settings(), 3, CPU)
    for epoch in range(2):
        five_in_pairs.start_epoch(epoch)
        three.start_epoch(epoch)
        for _ in range(5):
            five_in_pairs.step(lambda: gathered["weights"].sum())
        for _ in range(3):
            three.step(lambda: alone["weights"].sum())
        assert gathered["weights"].tolist() == alone["weights"].tolist()


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_schedule_ends_with_the_last_epoch_however_many_batches_make_an_update(schedule):
    model = two_weights()
    values = settings(schedule=schedule, accumulate=2).with_values({"train.epochs": 3})
    updates = Updates(model, FIXED, values, 5, CPU)
    rates = []
    for epoch in range(3):
        updates.start_epoch(epoch)
        for _ in range(5):
            updates.step(half_square(model))
        rates.append(updates.lr)
    assert rates[1] > 0.01
    assert rates[2] == pytest.approx(0, abs=1e-6)


def test_reported_rate_is_the_head_s():
    config = settings(layer_decay=0.5)
    assert Updates(network(backbone="resnet10t"), FIXED, config, 5, CPU).lr == 0.1


def test_learned_weights_of_the_heads_move_and_are_kept():
    config = settings(name="adam").with_values(
        {"model.heads": "multi", "loss.weighting": "uncertainty"}
    )
    model, targets = two_weights(), torch.eye(18)
    losses = [TrialLoss(config, targets) for _ in range(2)]
    first, second = (Updates(model, loss, config, 1, CPU) for loss in losses)
    first.step(lambda: losses[0](torch.zeros(18, 8), targets) + model["weights"].sum())
    # exp(-s) L + s / 2 falls as s moves from 0 to log(2 L): up, where L > 1 / 2.
    assert losses[0].log_variances.tolist() == pytest.approx([0.1, 0.1, 0.1])
    second.load_state_dict(first.state_dict())
    assert torch.equal(losses[0].log_variances, losses[1].log_variances)


@pytest.mark.parametrize(("decay", "kept"), [(0.1, 0.1), (0.999, 1 - 2 ** (-2 / 3))])
def test_average_warms_up_to_its_decay(decay, kept):
    model = two_weights()
    updates, path = Updates(model, FIXED, settings(ema_decay=decay), 2, CPU), []
    for _ in range(2):
        updates.step(half_square(model))
        path.append(model["weights"].detach().clone())
    averaged = updates.predictor.state_dict()["weights"]
    assert averaged.tolist() == pytest.approx((kept * path[0] + (1 - kept) * path[1]).tolist())
    assert not torch.equal(averaged, path[1])


def test_average_follows_updates_and_not_batches():
    model = two_weights()
    updates = Updates(model, FIXED, settings(ema_decay=0.5, accumulate=2), 4, CPU)
    updates.step(half_square(model))
    assert updates.predictor.state_dict()["weights"].tolist() == list(START)


def test_average_holds_statistics_too():
    model = network()
    updates = Updates(model, FIXED, settings(ema_decay=0.25), 2, CPU)
    updates.start_epoch(0)
    updates.step(image_loss(model))
    first = model.bn1.running_mean.clone()
    updates.step(image_loss(model, 1))
    averaged = updates.predictor.state_dict()["bn1.running_mean"]
    torch.testing.assert_close(averaged, 0.25 * first + 0.75 * model.bn1.running_mean)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("values", [{}, {"sam_rho": 0.1}, {"ema_decay": 0.5}, {"layer_decay": 0.7}])
@pytest.mark.parametrize("hidden", [0, 8])
def test_head_alone_learns_in_the_first_epochs(backbone, values, hidden):
    model = network(backbone=backbone, hidden=hidden)
    head = {"fc" if backbone == "resnet10t" else "classifier"}
    updates = Updates(model, FIXED, settings(freeze_epochs=2, **values), 1, CPU)
    for epoch in range(2):
        before = copied(model)
        updates.start_epoch(epoch)
        updates.step(image_loss(model))
        assert changed(before, model) == head
    updates.start_epoch(2)
    updates.step(image_loss(model))
    parts = {name.split(".")[0] for name in before}
    assert changed(before, model) == parts
    assert changed(before, updates.predictor) >= parts - head


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_takes_the_backbone_up_later(name):
    model = network()
    updates = Updates(model, FIXED, settings(name=name, lr=0.01, freeze_epochs=1), 1, CPU)
    for epoch in range(2):
        before = copied(model)
        updates.start_epoch(epoch)
        updates.step(image_loss(model))
    assert changed(before, model) == {name.split(".")[0] for name in before}


def test_both_layers_of_the_head_learn_in_the_first_epochs():
    model = network(hidden=8)
    before = copied(model)
    updates = Updates(model, FIXED, settings(freeze_epochs=1), 1, CPU)
    updates.start_epoch(0)
    updates.step(image_loss(model))
    learned = {name for name, value in model.state_dict().items() if (value != before[name]).any()}
    assert learned == {f"classifier.{i}.{part}" for i in (0, 3) for part in ("weight", "bias")}


def test_held_backbone_leaves_the_head_its_dropout():
    model = network(dropout=0.5)
    Updates(model, FIXED, settings(freeze_epochs=1), 1, CPU).start_epoch(0)
    images = torch.rand(4, 3, 32, 32)
    assert not torch.equal(model(images), model(images))


def test_head_that_learns_alone_costs_no_gradient_of_the_backbone():
    model = network()
    updates = Updates(model, FIXED, settings(freeze_epochs=1), 1, CPU)
    updates.start_epoch(0)
    updates.step(image_loss(model))
    assert {n for n, w in model.named_parameters() if w.grad is not None} == {
        "classifier.weight",
        "classifier.bias",
    }
