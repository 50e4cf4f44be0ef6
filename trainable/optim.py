"""How do the weights move, and how large is each step?"""

from typing import Any

import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.scheduler.scheduler import Scheduler
from torch import nn

from trainable.config import OptimConfig, TrainConfig

FUSED = ("adamw", "adam", "sgd")
"""Optimizers of torch that step in one kernel, on the CPU and on CUDA."""


def make_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Return timm's optimizer of that name; norms and biases are not decayed."""
    fused: dict[str, Any] = {"fused": True} if config.name in FUSED else {}
    return create_optimizer_v2(
        model, opt=config.name, lr=config.lr, weight_decay=config.weight_decay, **fused
    )


def make_schedule(
    optimizer: torch.optim.Optimizer, config: OptimConfig, train: TrainConfig, updates: int
) -> Scheduler:
    """Return timm's schedule over ``train.epochs`` of ``updates`` steps each.

    It depends on the number of updates alone, so a resumed trial needs none of its state.
    """
    schedule, _ = create_scheduler_v2(
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
