"""In which order and batches does an epoch see its training images?

Everything random follows from (train.seed, fold, epoch, batch), so that a trial that was paused,
moved or replayed draws the same, in the trial's own process or in loader processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from trainable.augment import Augmenter, join_halves
from trainable.config import TrialConfig
from trainable.device import Device
from trainable.folds import Rows

Batch = tuple[torch.Tensor, torch.Tensor]
Position = tuple[int, int]
"""(epoch, batch)."""


@dataclass(frozen=True)
class TrainingSide:
    """What a fold trains on: ``rows`` of ``pixels`` (N, H, W, 3), ``labels`` and ``old`` (N,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    old: NDArray[np.bool_]
    rows: Rows


class TrainingBatches(Dataset[Batch]):
    """Augmented batches of a fold by (epoch, batch): images (B, 3, H, W) uint8, labels (B,)."""

    def __init__(self, side: TrainingSide, config: TrialConfig, fold: int) -> None:
        self._side = side
        self._config = config
        self._seeds = (config.train.seed, fold)
        self._augment = Augmenter(config.augment)
        labels = side.labels[side.rows]
        self._rows_of_class = {label: side.rows[labels == label] for label in np.unique(labels)}
        self._plan: tuple[int, list[Rows]] = (-1, [])

    @property
    def batch_count(self) -> int:
        """Batches in an epoch; a last batch of one image is left out (batch norm needs two)."""
        full, rest = divmod(len(self._side.rows), self._config.train.batch_size)
        return full + (rest > 1)

    def __getitem__(self, position: Position) -> Batch:
        epoch, batch = position
        rows = self._batches(epoch)[batch]
        generator = self._generator(epoch, batch)
        images = self._cut_and_join(rows, generator)
        images = self._augment(images, self._side.old[rows], int(generator.integers(2**31)))
        return (
            torch.from_numpy(images).permute(0, 3, 1, 2),
            torch.from_numpy(self._side.labels[rows]),
        )

    def _batches(self, epoch: int) -> list[Rows]:
        if self._plan[0] != epoch:
            order = epoch_order(self._side, self._config.train.sampler, self._generator(epoch))
            size = self._config.train.batch_size
            batches = [order[i * size : (i + 1) * size] for i in range(self.batch_count)]
            self._plan = (epoch, batches)
        return self._plan[1]

    def _generator(self, *position: int) -> np.random.Generator:
        return np.random.default_rng([*self._seeds, *position])

    def _cut_and_join(self, rows: Rows, generator: np.random.Generator) -> NDArray[np.uint8]:
        images = self._side.pixels[rows]
        for i in np.flatnonzero(
            generator.random(len(rows)) < self._config.augment.horizontal_cutmix
        ):
            partner = generator.choice(self._rows_of_class[self._side.labels[rows[i]]])
            images[i] = join_halves(images[i], self._side.pixels[partner])
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


def epoch_order(side: TrainingSide, sampler: str, generator: np.random.Generator) -> Rows:
    """Return as many rows as the side has: each once, or each class equally often."""
    if sampler == "shuffle":
        return generator.permutation(side.rows)
    labels = side.labels[side.rows]
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    shares = 1 / counts[inverse]
    return generator.choice(side.rows, len(side.rows), p=shares / shares.sum())


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
