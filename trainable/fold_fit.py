"""How is one fold's network trained by an epoch, and how does it predict?"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainable.batches import TrainingBatches, TrainingSide, make_loader
from trainable.config import TrialConfig
from trainable.dataset import FaceData
from trainable.device import select_device
from trainable.folds import Fold, Rows, training_labels, training_rows
from trainable.heads import joint_probabilities
from trainable.labels import CLASS_COUNT, OLD_AGE
from trainable.losses import make_loss
from trainable.model import make_model, normalization
from trainable.optim import make_optimizer, make_schedule

CHECK_EVERY = 8
"""Steps between two looks at the loss; each look waits for the GPU."""


class DivergedError(RuntimeError):
    """The loss is no number any more."""


@dataclass(frozen=True)
class FoldEpoch:
    """What an epoch of one fold gave: mean loss, learning rate, seconds by kind of work."""

    loss: float
    lr: float
    seconds: dict[str, float]


class FoldFit:
    """One network, trained on one fold's training side."""

    def __init__(
        self, config: TrialConfig, data: FaceData, fold: Fold, number: int, *, fetch: bool = True
    ) -> None:
        self._config = config
        self._number = number
        self._device = select_device(config.machine)
        side = training_side(config, data, fold)
        batches = TrainingBatches(side, config, number)
        self._loader, self._sampler = make_loader(
            batches, config.machine.loaders or 0, self._device
        )
        torch.manual_seed(_seed(config.train.seed, number))
        self.model = self._device.place_model(make_model(config.model, fetch=fetch))
        self._optimizer = make_optimizer(self.model, config.optim)
        self._schedule = make_schedule(
            self._optimizer, config.optim, config.train, batches.batch_count
        )
        self._scaler = self._device.gradient_scaler()
        labels = self._device.place(torch.from_numpy(side.labels[side.rows]))
        self._loss = make_loss(config.loss, config.model.heads, labels)
        self._scale, self._shift = self._input_range()

    def train_epoch(self, epoch: int) -> FoldEpoch:
        """Train on every batch of epoch ``epoch`` (from 0); DivergedError if the loss is lost."""
        self._sampler.epoch = epoch
        batches = iter(self._loader)
        # After the loader, which draws from torch's generator too, but not in every epoch.
        torch.manual_seed(_seed(self._config.train.seed, self._number, epoch))
        self.model.train()
        total, images, waited = torch.zeros((), device=self._device.name), 0, 0.0
        started = asked = time.perf_counter()
        for step, (batch, labels) in enumerate(batches):
            waited += time.perf_counter() - asked
            total += len(labels) * self._train_batch(batch, labels)
            images += len(labels)
            self._schedule.step_update(epoch * len(self._sampler) + step + 1)
            if step % CHECK_EVERY == 0:
                self._check(total, epoch, step)
            asked = time.perf_counter()
        self._check(total, epoch, len(self._sampler) - 1)
        seconds = {"data": waited, "step": time.perf_counter() - started - waited}
        return FoldEpoch(float(total) / images, self._optimizer.param_groups[0]["lr"], seconds)

    def predict(self, pixels: NDArray[np.uint8], rows: Rows) -> NDArray[np.float32]:
        """Return probabilities (len(rows), 18) of images (N, H, W, 3), views averaged."""
        self.model.eval()
        found = np.empty((len(rows), CLASS_COUNT), np.float32)
        with torch.inference_mode():
            size = self._device.predicted_at_once
            for start in range(0, len(rows), size):
                part = slice(start, start + size)
                images = torch.from_numpy(pixels[rows[part]]).permute(0, 3, 1, 2)
                found[part] = self._predict_batch(self._device.place(images)).cpu().numpy()
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return what continuing needs: weights, optimizer and gradient scaler."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        for moments in self._optimizer.state.values():
            for name, value in moments.items():
                # The fused kernels walk memory in the weights' own layout.
                if isinstance(value, torch.Tensor) and value.ndim == 4:
                    moments[name] = value.contiguous(memory_format=torch.channels_last)

    def _train_batch(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with self._device.autocast():
            outputs = self.model(self._normalize(self._device.place(images)))
        loss = self._loss(outputs, self._device.place(labels))
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss.detach()

    def _predict_batch(self, images: torch.Tensor) -> torch.Tensor:
        views = [images, images.flip(3)] if self._config.predict.flip else [images]
        with self._device.autocast():
            outputs = [self.model(self._normalize(view)) for view in views]
        heads = self._config.model.heads
        return torch.stack([joint_probabilities(output, heads) for output in outputs]).mean(0)

    def _normalize(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mul_(self._scale).sub_(self._shift)

    def _input_range(self) -> tuple[torch.Tensor, torch.Tensor]:
        known = normalization(self._config.model)
        mean, std = (torch.tensor(part)[:, None, None] for part in (known.mean, known.std))
        return self._device.place(1 / (255 * std)), self._device.place(mean / std)

    def _check(self, total: torch.Tensor, epoch: int, step: int) -> None:
        if not torch.isfinite(total):
            raise DivergedError(
                f"the loss was no longer a number at step {step + 1} of epoch {epoch + 1} "
                f"(optim.lr={self._config.optim.lr:g})"
            )


def training_side(config: TrialConfig, data: FaceData, fold: Fold) -> TrainingSide:
    """Return the fold's training side: what training may see, labelled as it is to be trained."""
    return TrainingSide(
        pixels=data.cache.pixels,
        labels=training_labels(data.images, config.train),
        old=(data.images["age"] >= OLD_AGE).to_numpy(),
        rows=training_rows(data.images, fold, config.train),
    )


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
