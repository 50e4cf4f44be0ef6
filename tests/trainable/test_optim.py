"""Every optimizer moves the weights, and the learning rate follows its schedule."""

from typing import get_args

import pytest
import torch
from torch import nn

from trainable.checkpoint import load_state, save_state
from trainable.config import OptimConfig, TrainConfig
from trainable.optim import make_optimizer, make_schedule

NAMES = get_args(OptimConfig.model_fields["name"].annotation)
EPOCHS, UPDATES = 4, 5


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
    optimizer = make_optimizer(network(), config)
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
    train_step(model, make_optimizer(model, OptimConfig(name=name)))
    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.isfinite(new).all()
        assert not torch.equal(old, new)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_continues_from_its_checkpoint(name, tmp_path):
    models = [network(), network()]
    optimizers = [make_optimizer(model, OptimConfig(name=name)) for model in models]
    train_step(models[0], optimizers[0])
    save_state({"model": models[0].state_dict(), "it": optimizers[0].state_dict()}, tmp_path)
    state = load_state(tmp_path)
    models[1].load_state_dict(state["model"])
    optimizers[1].load_state_dict(state["it"])
    for model, optimizer in zip(models, optimizers, strict=True):
        train_step(model, optimizer)
    pairs = zip(models[0].parameters(), models[1].parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)


def test_norms_and_biases_are_not_decayed():
    optimizer = make_optimizer(network(), OptimConfig(weight_decay=0.1))
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


def test_rate_follows_from_the_number_of_updates_alone():
    config, train = OptimConfig(lr=1), TrainConfig(epochs=EPOCHS)
    optimizer = make_optimizer(network(), config)
    make_schedule(optimizer, config, train, UPDATES).step_update(13)
    assert optimizer.param_groups[0]["lr"] == learning_rates()[13]
