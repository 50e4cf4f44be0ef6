"""How is one fold's network trained by an epoch, and how does it predict?"""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import update_bn

from trainable import team
from trainable.augment import Augmenter
from trainable.batches import TrainingBatches, make_loader, parts_of
from trainable.config import TrialConfig
from trainable.dataset import FaceData
from trainable.device import Device, select_device
from trainable.embedding import Parts, features_kept
from trainable.folds import Fold, Rows
from trainable.heads import joint_probabilities
from trainable.labels import CLASS_COUNT
from trainable.losses import TrialLoss
from trainable.model import make_model
from trainable.normalization import Normalization, normalization
from trainable.sampling import training_side
from trainable.updates import PartLoss, Updates
from trainable.views import view_count, views_of

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


class Learner(nn.Module):
    """A network and its loss as one module: gradients of both are shared among processes."""

    def __init__(self, model: nn.Module, loss: TrialLoss, device: Device) -> None:
        super().__init__()
        self.model, self.loss = model, loss
        self._device = device

    def forward(
        self, images: torch.Tensor, targets: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        """Return what images (B, 3, H, W) add to the loss of the batch they are a part of."""
        with self._device.autocast():
            outputs = self.model(images)
        return self.loss(outputs, targets, batch)


class FoldFit:
    """One network, trained on one fold's training side."""

    def __init__(
        self, config: TrialConfig, data: FaceData, fold: Fold, number: int, *, fetch: bool = True
    ) -> None:
        self._config = config
        self._number = number
        self._device = select_device(config.machine, sam_rho=config.optim.sam_rho)
        self._augmenter = Augmenter(config.augment)
        side = training_side(config, data, fold)
        batches = TrainingBatches(side, config, number)
        self._loader, self._sampler = make_loader(
            batches, config.machine.loaders or 0, self._device
        )
        torch.manual_seed(_seed(config.train.seed, number))
        self.model = self._device.place_model(make_model(config.model, fetch=fetch))
        loss = TrialLoss(config, self._device.place(side.targets[side.rows]))
        self._learner: nn.Module = Learner(self.model, loss, self._device)
        self._updates = Updates(self.model, loss, config, batches.batch_count, self._device)
        self._scale, self._shift = self._input_range(normalization(config, data))

    @property
    def batch_count(self) -> int:
        """Batches of an epoch."""
        return len(self._sampler)

    @property
    def held_bytes(self) -> int:
        """Memory that the network keeps while others train."""
        return sum(tensor.nbytes for tensor in self._updates.held)

    def train_epoch(self, epoch: int, at_most: int | None = None) -> FoldEpoch:
        """Train on every batch of epoch ``epoch`` (from 0), or on its first ``at_most``.

        Raises DivergedError if the loss is lost.
        """
        self._sampler.epoch = epoch
        batches = islice(iter(self._loader), at_most)
        self._share_gradients()
        # After the loader, which draws from torch's generator too, but not in every epoch.
        torch.manual_seed(_seed(self._config.train.seed, self._number, epoch, *_own_rank()))
        self._updates.start_epoch(epoch)
        total, images, waited = torch.zeros((), device=self._device.name), 0, 0.0
        started = asked = time.perf_counter()
        for step, (batch, targets) in enumerate(batches):
            waited += time.perf_counter() - asked
            total += len(targets) * self._updates.step(*self._parts(batch, targets))
            images += len(targets)
            if step % CHECK_EVERY == 0:
                self._check(team.mean(total), epoch, step)
            asked = time.perf_counter()
        total = team.mean(total)
        self._check(total, epoch, self.batch_count - 1)
        seconds = {"data": waited, "step": time.perf_counter() - started - waited}
        return FoldEpoch(float(total) / images, self._updates.lr, seconds)

    def predict(self, pixels: NDArray[np.uint8], rows: Rows) -> NDArray[np.float32]:
        """Return probabilities (len(rows), 18) of images (N, H, W, 3), views averaged."""
        self._updates.predictor.eval()
        found = np.empty((len(rows), CLASS_COUNT), np.float32)
        with torch.inference_mode():
            size = max(1, self._device.predicted_at_once // self._config.machine.micro_batches)
            for start in range(0, len(rows), size):
                part = slice(start, start + size)
                images = torch.from_numpy(self._augmenter.preprocess(pixels[rows[part]]))
                placed = self._device.place(images.permute(0, 3, 1, 2))
                found[part] = self._predict_batch(placed).cpu().numpy()
        return found

    def features_kept(self) -> AbstractContextManager[Parts]:
        """Keep the features of the images that are predicted meanwhile, in their order."""
        return features_kept(self._updates.predictor, view_count(self._config.predict))

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights that predict: the averaged ones, if there are any."""
        return self._updates.predictor.state_dict()

    def load_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """Predict with what ``weights`` returned; training does not go on from there."""
        self._updates.predictor.load_state_dict(weights)

    def renew_statistics(self) -> None:
        """Measure anew what batch norms keep of the training side, for weights that were mixed.

        The mean of several networks' statistics is not that of their mean's layers (Izmailov et
        al. 2018). The images are those of the first epoch, changed as in training.
        """
        self._sampler.epoch = 0
        batches = iter(self._loader)
        torch.manual_seed(_seed(self._config.train.seed, self._number))  # for dropout
        shown = (self._normalize(self._device.place(images)) for images, _ in batches)
        with self._device.autocast():
            update_bn(shown, self._updates.predictor)

    def state_dict(self) -> dict[str, Any]:
        """Return what continuing needs."""
        return {"model": self.model.state_dict(), "updates": self._updates.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""
        self.model.load_state_dict(state["model"])
        self._updates.load_state_dict(state["updates"])

    def _share_gradients(self) -> None:
        """Learn together with the team's other processes, if there are any, from now on."""
        if not isinstance(self._learner, Learner) or team.size() == 1:
            return
        some_idle = self._config.optim.freeze_epochs > 0
        self._learner = team.learning_together(self._learner, some_idle=some_idle)
        self._updates.gathering = partial(team.gathering, self._learner)

    def _parts(self, images: torch.Tensor, targets: torch.Tensor) -> list[PartLoss]:
        """Return what computes the loss of this process's share of a batch, part by part.

        The mean over the team is the loss of the batch: each process's share counts as often as
        there are processes, and a batch that is too small to be shared is trained by each of them.
        """
        count, micro_batches = team.size(), self._config.machine.micro_batches
        shares = parts_of(len(images), count)
        share, weight = slice(0, len(images)), 1
        if len(shares) == count:
            share, weight = shares[team.rank()], count
        own = images[share], targets[share]
        return [
            partial(self._part_loss, own[0][part], own[1][part], targets, weight)
            for part in parts_of(len(own[0]), micro_batches)
        ]

    def _part_loss(
        self, images: torch.Tensor, targets: torch.Tensor, batch: torch.Tensor, weight: int
    ) -> torch.Tensor:
        placed = self._normalize(self._device.place(images))
        loss = self._learner(placed, self._device.place(targets), self._device.place(batch))
        return loss * weight if weight > 1 else loss

    def _predict_batch(self, images: torch.Tensor) -> torch.Tensor:
        views = views_of(images, self._config.predict)
        with self._device.autocast():
            outputs = [self._updates.predictor(self._normalize(view)) for view in views]
        model, cutoff = self._config.model, self._config.train.age_cutoff
        found = [joint_probabilities(output, model, cutoff) for output in outputs]
        return torch.stack(found).mean(0)

    def _normalize(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mul_(self._scale).sub_(self._shift)

    def _input_range(self, known: Normalization) -> tuple[torch.Tensor, torch.Tensor]:
        mean, std = (torch.tensor(part)[:, None, None] for part in (known.mean, known.std))
        return self._device.place(1 / (255 * std)), self._device.place(mean / std)

    def _check(self, total: torch.Tensor, epoch: int, step: int) -> None:
        if not torch.isfinite(total):
            raise DivergedError(
                f"the loss was no longer a number at step {step + 1} of epoch {epoch + 1} "
                f"(optim.lr={self._config.optim.lr:g})"
            )


def _own_rank() -> tuple[int, ...]:
    """Return what the first process of a team has nothing of: as if it were alone."""
    return (team.rank(),) if team.rank() else ()


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
