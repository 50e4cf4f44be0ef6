"""Every optimizer moves the weights, and the learning rate follows its schedule."""

from typing import get_args

import pytest
import timm
import torch
from torch import nn

from trainable.checkpoint import load_state, save_state
from trainable.config import OptimConfig, TrainConfig
from trainable.optim import make_optimizer, make_sam, make_schedule

NAMES = get_args(OptimConfig.model_fields["name"].annotation)
SCHEDULES = get_args(OptimConfig.model_fields["schedule"].annotation)
EPOCHS, UPDATES = 4, 5
pytestmark = pytest.mark.filterwarnings(
    "ignore:Detected call of `lr_scheduler.step"  # rates alone are looked at, nothing is moved
)
FIXED = nn.Identity()
"""A loss with nothing to learn."""


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    return nn.Sequential(*layers)


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    images = torch.randn(4, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    model(images).square().mean().backward()
    optimizer.step()


def learning_rates(**settings: str | float) -> list[float]:
    """Return the learning rate before the first and after each update, for a highest one of 1."""
    config = OptimConfig(lr=1, **settings)
    optimizer = make_optimizer(network(), FIXED, config)
    schedule = make_schedule(optimizer, config, TrainConfig(epochs=EPOCHS), UPDATES)
    rates = [optimizer.param_groups[0]["lr"]]
    for update in range(1, EPOCHS * UPDATES + 1):
        schedule.step_update(update)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_moves_every_weight(name):
    model = network()
    before = [weight.clone() for weight in model.parameters()]
    train_step(model, make_optimizer(model, FIXED, OptimConfig(name=name)))
    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.isfinite(new).all()
        assert not torch.equal(old, new)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_continues_from_its_checkpoint(name, tmp_path):
    models = [network(), network()]
    optimizers = [make_optimizer(model, FIXED, OptimConfig(name=name)) for model in models]
    train_step(models[0], optimizers[0])
    save_state({"model": models[0].state_dict(), "it": optimizers[0].state_dict()}, tmp_path / "it")
    state = load_state(tmp_path / "it")
    models[1].load_state_dict(state["model"])
    optimizers[1].load_state_dict(state["it"])
    for model, optimizer in zip(models, optimizers, strict=True):
        train_step(model, optimizer)
    pairs = zip(models[0].parameters(), models[1].parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)


def test_norms_and_biases_are_not_decayed():
    optimizer = make_optimizer(network(), FIXED, OptimConfig(weight_decay=0.1))
    decays = {
        (weight.ndim, group["weight_decay"])
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    assert decays == {(1, 0), (2, 0.1), (4, 0.1)}


def test_cosine_falls_from_the_highest_rate_over_half_to_nothing():
    rates = learning_rates(schedule="cosine")
    assert [rates[0], rates[10], rates[20]] == pytest.approx([1, 0.5, 0], abs=1e-6)
    assert rates == sorted(rates, reverse=True)


def test_step_multiplies_the_rate_every_few_epochs():
    rates = learning_rates(schedule="step", step_epochs=2, step_factor=0.3)
    assert [rates[0], rates[9], rates[10], rates[19], rates[20]] == pytest.approx(
        [1, 1, 0.3, 0.3, 0.09]
    )


def test_constant_stays():
    assert set(learning_rates(schedule="constant")) == {1}


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_warm_up_rises_from_a_hundredth_and_joins_the_schedule(schedule):
    warm = learning_rates(schedule=schedule, warmup_epochs=1)
    assert warm[:UPDATES] == pytest.approx([0.01, 0.208, 0.406, 0.604, 0.802])
    assert warm[UPDATES:] == pytest.approx(learning_rates(schedule=schedule)[UPDATES:])


def test_one_cycle_rises_for_three_tenths_and_falls_to_nothing():
    rates, low, end = learning_rates(schedule="one_cycle"), 1 / 25, 1 / 250_000
    # 20 updates: half-way up after 3, at the top after 6, half-way down after 13.
    assert [rates[0], rates[3], rates[6], rates[13], rates[20]] == pytest.approx(
        [low, (low + 1) / 2, 1, (1 + end) / 2, end]
    )


def test_one_cycle_is_torch_s():
    optimizer = torch.optim.AdamW(network().parameters())
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1, total_steps=21, pct_start=7 / 21)
    rates = [theirs.get_last_lr()[0]]
    for _ in range(20):
        optimizer.step()
        theirs.step()
        rates.append(theirs.get_last_lr()[0])
    assert learning_rates(schedule="one_cycle") == rates


@pytest.mark.parametrize("warmup", [1, 2, 3])
def test_one_cycle_is_highest_where_its_warm_up_ends(warmup):
    rates = learning_rates(schedule="one_cycle", warmup_epochs=warmup)
    assert rates[warmup * UPDATES] == max(rates) == 1


@pytest.mark.parametrize("name", ["adamw", "madgrad"])
def test_one_cycle_moves_momentum_against_the_rate(name):
    config = OptimConfig(name=name, schedule="one_cycle", warmup_epochs=1)
    optimizer = make_optimizer(network(), FIXED, config)
    schedule = make_schedule(optimizer, config, TrainConfig(epochs=EPOCHS), UPDATES)
    assert momentum_of(optimizer) == pytest.approx(0.95)
    schedule.step_update(UPDATES)
    assert momentum_of(optimizer) == pytest.approx(0.85)


def momentum_of(optimizer: torch.optim.Optimizer) -> float:
    group = optimizer.param_groups[0]
    return group["betas"][0] if "betas" in group else group["momentum"]


def test_one_cycle_of_one_update_an_epoch_has_a_rate_for_each():
    config = OptimConfig(lr=1, schedule="one_cycle", warmup_epochs=1)
    schedule = make_schedule(
        optimizer := make_optimizer(network(), FIXED, config), config, TrainConfig(epochs=2), 1
    )
    schedule.step_update(2)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1 / 250_000)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rate_follows_from_the_number_of_updates_alone(schedule):
    config, train = OptimConfig(lr=1, schedule=schedule), TrainConfig(epochs=EPOCHS)
    optimizer = make_optimizer(network(), FIXED, config)
    make_schedule(optimizer, config, train, UPDATES).step_update(13)
    assert optimizer.param_groups[0]["lr"] == learning_rates(schedule=schedule)[13]


def test_layers_learn_slower_from_the_head_down():
    model = timm.create_model("resnet10t", num_classes=2)
    optimizer = make_optimizer(model, FIXED, OptimConfig(lr=1, layer_decay=0.5))
    rate_of = {
        id(weight): group["lr"] * group["lr_scale"]
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    layers = (model.fc, model.layer4, model.layer3, model.layer2, model.layer1, model.conv1)
    rates = [{rate_of[id(weight)] for weight in layer.parameters()} for layer in layers]
    assert rates == [{1}, {1 / 2}, {1 / 4}, {1 / 8}, {1 / 16}, {1 / 32}]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_keep_the_layers_apart(schedule):
    config = OptimConfig(lr=1, schedule=schedule, layer_decay=0.5)
    model = timm.create_model("resnet10t", num_classes=2)
    optimizer = make_optimizer(model, FIXED, config)
    make_schedule(optimizer, config, TrainConfig(epochs=EPOCHS), UPDATES).step_update(13)
    head = learning_rates(schedule=schedule)[13]
    scales = {group["lr"] / head for group in optimizer.param_groups}
    assert sorted(scales) == pytest.approx([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1])


@pytest.mark.parametrize("layer_decay", [1, 0.5])
def test_weights_of_the_loss_are_moved_at_the_full_rate_and_not_decayed(layer_decay):
    loss = nn.ParameterDict({"log_variances": torch.zeros(3)})
    config = OptimConfig(lr=1, weight_decay=0.1, layer_decay=layer_decay)
    optimizer = make_optimizer(network(), loss, config)
    make_schedule(optimizer, config, TrainConfig(epochs=EPOCHS), UPDATES).step_update(0)
    (own,) = [g for g in optimizer.param_groups if g["params"][0] is loss["log_variances"]]
    assert (own["lr"], own["weight_decay"]) == (1, 0)


def test_sharpness_aware_step_takes_the_gradient_a_radius_uphill():
    model = nn.ParameterDict({"weights": torch.tensor([3.0, 4.0])})
    config = OptimConfig(name="sgd", lr=0.1, weight_decay=0)
    sam = make_sam(make_optimizer(model, FIXED, config), rho=1)

    def gradient() -> None:
        (model["weights"].square().sum() / 2).backward()

    gradient()
    sam.first_step(zero_grad=True)
    # The gradient (3, 4) has length 5: a radius of 1 adds a fifth of it.
    assert model["weights"].tolist() == pytest.approx([3.6, 4.8])
    gradient()
    sam.second_step()
    # The first step of Nesterov's momentum of 0.9 is 1.9 gradients.
    assert model["weights"].tolist() == pytest.approx([3 - 0.19 * 3.6, 4 - 0.19 * 4.8])
