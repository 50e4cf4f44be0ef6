"""How do the weights move, and how large is each step?"""

from typing import Any, Protocol

import torch
from pytorch_optimizer import SAM
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from trainable.config import OptimConfig, TrainConfig
from trainable.timm_alone import timm

FUSED = ("adamw", "adam", "sgd")
"""Optimizers of torch that step in one kernel, on the CPU and on CUDA."""
ONE_CYCLE_RISE = 0.3
"""Share of training in which one_cycle rises, where no warm-up is asked for."""


class Schedule(Protocol):
    """Sets the learning rate of each group of weights.

    It depends on the number of updates alone, so a resumed trial needs none of its state.
    """

    def step_update(self, num_updates: int) -> None:
        """Set the rates that follow after ``num_updates`` updates."""
        ...


def make_optimizer(model: nn.Module, loss: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Return timm's optimizer of that name; norms, biases and the loss's weights are not decayed.

    With ``layer_decay`` each layer's rate is the next layer's times that factor (Bao et al. 2022).
    """
    fused: dict[str, Any] = {"fused": True} if _steps_in_one_kernel(config) else {}
    optimizer = timm.optim.create_optimizer_v2(
        model,
        opt=config.name,
        lr=config.lr,
        weight_decay=config.weight_decay,
        layer_decay=config.layer_decay if config.layer_decay < 1 else None,
        **fused,
    )
    learned = list(loss.parameters())
    if learned:
        optimizer.add_param_group({"params": learned, "weight_decay": 0.0})
    return optimizer


def make_sam(optimizer: torch.optim.Optimizer, rho: float) -> SAM:
    """Return ``optimizer``'s steps against the gradient at the worst point ``rho`` away.

    The groups of weights and their state are ``optimizer``'s own (Foret et al. 2021).
    """
    # SAM wants to build its optimizer itself, from the groups it was given.
    return SAM(optimizer.param_groups, lambda groups: optimizer, rho=rho)  # type: ignore[arg-type]


def make_schedule(
    optimizer: torch.optim.Optimizer, config: OptimConfig, train: TrainConfig, updates: int
) -> Schedule:
    """Return the schedule over ``train.epochs`` of ``updates`` updates each."""
    if config.schedule == "one_cycle":
        return OneCycle(optimizer, config, train.epochs, updates)
    schedule, _ = timm.scheduler.create_scheduler_v2(
        optimizer,
        sched=config.schedule,
        num_epochs=train.epochs,
        warmup_epochs=config.warmup_epochs,
        warmup_lr=config.lr / 100,
        decay_epochs=config.step_epochs,
        decay_rate=config.step_factor,
        step_on_epochs=False,
        updates_per_epoch=updates,
    )
    assert schedule is not None
    return schedule


def _steps_in_one_kernel(config: OptimConfig) -> bool:
    # torch's kernel of SGD fails where some weights are moved for the first time and others not.
    return config.name in FUSED and not (config.name == "sgd" and config.freeze_epochs)


class OneCycle:
    """torch's one-cycle schedule, told the number of updates as timm's are (Smith 2018).

    The rate rises from lr / 25 to lr and falls to lr / 250,000; momentum moves against it.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, config: OptimConfig, epochs: int, updates: int
    ) -> None:
        total = epochs * updates
        rising = config.warmup_epochs * updates or ONE_CYCLE_RISE * total
        self._schedule = OneCycleLR(
            optimizer,
            max_lr=[config.lr * group.get("lr_scale", 1.0) for group in optimizer.param_groups],
            # One rate before each update and one after the last, where timm's schedules end too;
            # torch takes the rate to be highest one step before this share of them.
            total_steps=total + 1,
            pct_start=(rising + 1) / (total + 1),
        )

    def step_update(self, num_updates: int) -> None:
        """Set the rates that follow after ``num_updates`` updates."""
        self._schedule.last_epoch = num_updates - 1
        self._schedule.step()
