"""How do the losses of batches become steps of the weights?"""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from pytorch_optimizer.optimizer.utils import disable_running_stats, enable_running_stats
from torch import nn

from trainable.config import TrialConfig
from trainable.device import Device
from trainable.model import head_layers
from trainable.optim import make_optimizer, make_sam, make_schedule
from trainable.timm_alone import timm

PartLoss = Callable[[], torch.Tensor]
"""Computes what a part of a batch adds to its loss; sharpness-aware steps call it twice."""


class Updates:
    """Moves the weights of a network, and of its loss if it has any, batch by batch.

    An epoch has ``batches`` batches; ``optim.accumulate`` of them make one update, and those left
    over at its end one more.
    """

    def __init__(
        self, model: nn.Module, loss: nn.Module, config: TrialConfig, batches: int, device: Device
    ) -> None:
        self._model, self._loss = model, loss
        self._config = config.optim
        self._batches = batches
        self._epoch_updates = math.ceil(batches / config.optim.accumulate)
        self._optimizer = make_optimizer(model, loss, config.optim)
        self._sam = (
            make_sam(self._optimizer, config.optim.sam_rho) if config.optim.sam_rho else None
        )
        self._schedule = make_schedule(
            self._optimizer, config.optim, config.train, self._epoch_updates
        )
        self._average = (
            average_of(model, config.optim.ema_decay) if config.optim.ema_decay else None
        )
        self._scaler = device.gradient_scaler()
        self._batch = self._done = 0
        self.gathering: Callable[[], AbstractContextManager[object]] = nullcontext
        """In which context gradients are added that are shared with other processes later."""

    @property
    def predictor(self) -> nn.Module:
        """The network that predicts."""
        return self._model if self._average is None else self._average.module

    @property
    def lr(self) -> float:
        """The present learning rate, of the head where layers have their own."""
        return max(group["lr"] for group in self._optimizer.param_groups)

    def start_epoch(self, epoch: int) -> None:
        """Go on with epoch ``epoch`` (from 0)."""
        self._batch, self._done = 0, epoch * self._epoch_updates
        self._model.train()
        if self._config.freeze_epochs:
            hold_backbone(self._model, held=epoch < self._config.freeze_epochs)

    def step(self, *parts: PartLoss) -> torch.Tensor:
        """Take in the gradient of a batch, and move the weights if a group is complete.

        The batch's loss is the sum of its ``parts``, of which one at a time is in memory. Returns
        the loss, detached.
        """
        start = self._batch - self._batch % self._config.accumulate
        size = min(self._config.accumulate, self._batches - start)
        if self._batch == start:
            self._optimizer.zero_grad(set_to_none=True)
        self._batch += 1
        is_last = self._batch == start + size
        loss = self._add_gradients(parts, size, completes=is_last)
        if is_last:
            self._move(parts)
        return loss

    @property
    def held(self) -> list[torch.Tensor]:
        """What is kept from batch to batch: weights, their gradients and moments, averages."""
        weights = [*self._model.parameters(), *self._loss.parameters()]
        moments = [value for state in self._optimizer.state.values() for value in state.values()]
        average = [*self._average.module.parameters()] if self._average else []
        gradients = [weight.grad for weight in weights]
        kept = [*weights, *gradients, *moments, *average]
        return [one for one in kept if isinstance(one, torch.Tensor)]

    def state_dict(self) -> dict[str, Any]:
        """Return what continuing needs beside the network's weights."""
        return {
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "loss": self._loss.state_dict(),
            "average": self._average.module.state_dict() if self._average else {},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""
        # SAM shares the optimizer's groups and state, and puts the new ones into both.
        (self._sam or self._optimizer).load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        self._loss.load_state_dict(state["loss"])
        if self._average:
            self._average.module.load_state_dict(state["average"])
        for moments in self._optimizer.state.values():
            for name, value in moments.items():
                # The fused kernels walk memory in the weights' own layout.
                if isinstance(value, torch.Tensor) and value.ndim == 4:
                    moments[name] = value.contiguous(memory_format=torch.channels_last)

    def _add_gradients(
        self, parts: Sequence[PartLoss], batches: int = 1, *, completes: bool = True
    ) -> torch.Tensor:
        """Add the gradients of a batch, one of ``batches`` that make an update.

        The last part of the one that ``completes`` them lets all of them be shared.
        """
        losses: list[torch.Tensor] = []
        for left, part in enumerate(parts, 1 - len(parts)):
            with nullcontext() if completes and not left else self.gathering():
                loss = part()
                self._scaler.scale(loss / batches if batches > 1 else loss).backward()
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def _move(self, parts: Sequence[PartLoss]) -> None:
        if self._sam:
            self._sam.first_step(zero_grad=True)
            self._look_again(parts)
        self._clip()
        if self._sam:
            self._sam.second_step()
        else:
            self._scaler.step(self._optimizer)
            self._scaler.update()
        self._done += 1
        self._schedule.step_update(self._done)
        if self._average:
            self._average.update(self._model, self._done)

    def _look_again(self, parts: Sequence[PartLoss]) -> None:
        # Running statistics belong to the weights that predict, not to the moved ones; the
        # method's implementations leave them alone too (github.com/davda54/sam, "bypass_bn").
        disable_running_stats(self._model)
        self._add_gradients(parts)
        enable_running_stats(self._model)

    def _clip(self) -> None:
        if self._config.clip_norm:
            self._scaler.unscale_(self._optimizer)
            weights = [w for group in self._optimizer.param_groups for w in group["params"]]
            nn.utils.clip_grad_norm_(weights, self._config.clip_norm)


def average_of(model: nn.Module, decay: float) -> timm.utils.ModelEmaV3:
    """Return a running average of the network's weights and statistics, which starts as it is.

    The decay warms up as 1 - updates^(-2/3): a trial has some hundred updates, and a decay of
    0.999 from the first on would leave more of the random start in the average than of them.
    """
    return timm.utils.ModelEmaV3(model, decay=decay, use_warmup=True)


def hold_backbone(model: nn.Module, *, held: bool) -> None:
    """Let only the head learn, and batch norms use the statistics they have; or let all learn.

    Dropout stays as it is: many of timm's networks draw it outside of their head.
    """
    head = set(head_layers(model).modules())
    for layer in model.modules():
        if layer in head:
            continue
        for weight in layer.parameters(recurse=False):
            weight.requires_grad_(not held)
        if held and hasattr(layer, "running_var"):
            layer.eval()
