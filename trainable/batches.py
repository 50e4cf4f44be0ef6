"""In which batches does an epoch see its training images?

Everything random follows from (train.seed, fold, epoch, batch), so that a trial that was paused,
moved or replayed draws the same, in the trial's own process or in loader processes.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from trainable.augment import Augmenter, config_of_copies
from trainable.config import TrialConfig
from trainable.device import Device
from trainable.folds import Rows
from trainable.labels import OLD_AGE
from trainable.mixing import Batch, join_halves, mix_batch
from trainable.sampling import EpochPlan, Occurrences, TrainingSide, check_mixing

Position = tuple[int, int]
"""(epoch, batch)."""


class TrainingBatches(Dataset[Batch]):
    """Augmented batches of a fold by (epoch, batch): images (B, 3, H, W) uint8, targets (B, T)."""

    def __init__(self, side: TrainingSide, config: TrialConfig, fold: int) -> None:
        check_mixing(side, config)
        self._side = side
        self._config = config
        self._seeds = (config.train.seed, fold)
        self._augment = Augmenter(config.augment)
        self._augment_copies = Augmenter(config_of_copies(config.augment))
        self._shown = Occurrences(side, config.train)
        self._plan: tuple[int, EpochPlan] | None = None

    @property
    def batch_count(self) -> int:
        """Batches in an epoch; a last batch of one image is left out (batch norm needs two)."""
        full, rest = divmod(self._shown.in_epoch, self._config.train.batch_size)
        return full + (rest > 1)

    def __getitem__(self, position: Position) -> Batch:
        epoch, batch = position
        size, plan = self._config.train.batch_size, self._plan_of(epoch)
        shown = plan.order[batch * size : (batch + 1) * size]
        generator = self._generator(epoch, batch)
        images, targets = self._cut_and_join(self._shown.rows[shown], plan, generator)
        images = self._change(images, shown, generator)
        mixable = torch.from_numpy(images).permute(0, 3, 1, 2), targets
        return mix_batch(mixable, self._config.augment, generator)

    def _plan_of(self, epoch: int) -> EpochPlan:
        if self._plan is None or self._plan[0] != epoch:
            order = self._shown.order(self._generator(epoch))
            rows = self._shown.rows[order]
            labels = self._side.labels[rows]
            rows_of_class = {int(label): rows[labels == label] for label in np.unique(labels)}
            self._plan = epoch, EpochPlan(order, rows_of_class)
        return self._plan[1]

    def _generator(self, *position: int) -> np.random.Generator:
        return np.random.default_rng([*self._seeds, *position])

    def _cut_and_join(
        self, rows: Rows, plan: EpochPlan, generator: np.random.Generator
    ) -> tuple[NDArray[np.uint8], torch.Tensor]:
        side = self._side
        images, targets = side.pixels[rows], side.targets[rows]
        chances = generator.random(len(rows))
        drawn = np.flatnonzero(chances < self._config.augment.horizontal_cutmix)
        partners = plan.partners(rows[drawn], side.labels[rows[drawn]], generator)
        images[drawn] = join_halves(images[drawn], side.pixels[partners])
        # The class is the same; the year of life may not be.
        targets[drawn] = (targets[drawn] + side.targets[partners]) / 2
        return images, targets

    def _change(
        self, images: NDArray[np.uint8], shown: NDArray[np.int64], generator: np.random.Generator
    ) -> NDArray[np.uint8]:
        is_old = self._side.ages[self._shown.rows[shown]] >= OLD_AGE
        is_copy = shown >= len(self._side.rows)
        first, second = generator.integers(2**31, size=2).tolist()
        if not is_copy.any():
            return self._augment(images, is_old, first)
        for augment, chosen, seed in (
            (self._augment, ~is_copy, first),
            (self._augment_copies, is_copy, second),
        ):
            images[chosen] = augment(images[chosen], is_old[chosen], seed)
        return images


class EpochSampler(Sampler[Position]):
    """Yields the positions of the epoch that ``epoch`` names."""

    def __init__(self, batch_count: int) -> None:
        self.epoch = 0
        self._batch_count = batch_count

    def __iter__(self) -> Iterator[Position]:
        return ((self.epoch, batch) for batch in range(self._batch_count))

    def __len__(self) -> int:
        return self._batch_count


def make_loader(
    batches: TrainingBatches, loaders: int, device: Device
) -> tuple[DataLoader[Batch], EpochSampler]:
    """Return a loader of whole batches, made ahead by ``loaders`` processes if there are any."""
    sampler = EpochSampler(batches.batch_count)
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=sampler,
        num_workers=loaders,
        persistent_workers=loaders > 0,
        pin_memory=device.pins_memory,
    )
    return loader, sampler


def parts_of(images: int, count: int) -> list[slice]:
    """Return a batch in ``count`` parts of about equal size, fewer where one would be one image."""
    count = max(1, min(count, images // 2))
    bounds = [images * part // count for part in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(bounds)]
