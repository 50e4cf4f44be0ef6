"""Which images does a fold train on, and which of them does an epoch show, in which order?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trainable.config import TrainConfig, TrialConfig
from trainable.dataset import FaceData
from trainable.folds import Fold, Rows, training_labels, training_rows
from trainable.heads import class_targets, year_targets
from trainable.labels import CLASS_COUNT, CLASS_NAMES, OLD_AGE, decode
from trainable.settings import UserError

WORN = 0
"""The mask class that most images have."""


@dataclass(frozen=True)
class TrainingSide:
    """What a fold trains on: some rows of all N images.

    ``pixels`` (N, H, W, 3); ``labels`` (N,), the class each image is trained as; ``targets``
    (N, T), the same as trainable.heads has it; ``ages`` (N,) in years, after label fixes;
    ``persons`` (N,), a number for each person; ``rows``, those of the training side.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    targets: torch.Tensor
    ages: NDArray[np.float64]
    persons: NDArray[np.int64]
    rows: Rows


def training_side(config: TrialConfig, data: FaceData, fold: Fold) -> TrainingSide:
    """Return the fold's training side: what training may see, labelled as it is to be trained."""
    images = data.training_images
    labels = training_labels(images, config.train)
    ages = images["age"].to_numpy(np.float64)
    targets = class_targets(torch.from_numpy(labels))
    if config.model.age_head == "distribution":
        years = year_targets(torch.from_numpy(ages), config.loss.age_spread)
        targets = torch.cat([targets, years.float()], dim=1)
    return TrainingSide(
        pixels=data.cache.pixels,
        labels=labels,
        targets=targets,
        ages=ages,
        persons=np.unique(images["person"], return_inverse=True)[1],
        rows=training_rows(images, fold, config.train),
    )


@dataclass(frozen=True)
class EpochPlan:
    """What one epoch shows: the numbers (E,) of its occurrences, and its rows by class."""

    order: NDArray[np.int64]
    rows_of_class: Mapping[int, Rows]

    def partners(
        self, rows: Rows, labels: NDArray[np.int64], generator: np.random.Generator
    ) -> Rows:
        """Return for each row another of the epoch and its class; itself if it is alone there."""
        found = rows.copy()
        for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
            alike = self.rows_of_class[int(label)]
            others = alike[alike != row]
            if len(others):
                found[i] = generator.choice(others)
        return found


class Occurrences:
    """All that epochs choose from: each training row once, then the copies of old persons' rows.

    ``rows`` (M,); ``in_epoch``, how many of them an epoch shows.
    """

    def __init__(self, side: TrainingSide, config: TrainConfig) -> None:
        old = side.rows[side.ages[side.rows] >= OLD_AGE]
        self.rows = np.concatenate([side.rows, np.tile(old, config.old_copies)])
        self._groups = sampled_groups(side, self.rows, config.sampler)
        self._labels = side.labels[self.rows] if config.sampler == "balanced" else None
        self.in_epoch = len(np.unique(self._groups))

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return the numbers (in_epoch,) of one epoch's occurrences, in random order.

        One of each group; balanced: drawn with replacement, each class equally often.
        """
        if self._labels is not None:
            _, inverse, counts = np.unique(self._labels, return_inverse=True, return_counts=True)
            shares = 1 / counts[inverse]
            return generator.choice(len(shares), self.in_epoch, p=shares / shares.sum())
        shuffled = generator.permutation(len(self.rows))
        _, first = np.unique(self._groups[shuffled], return_index=True)
        return shuffled[np.sort(first)]


def sampled_groups(side: TrainingSide, rows: Rows, sampler: str) -> NDArray[np.int64]:
    """Return a number for each of ``rows``: of those that share one, an epoch shows one."""
    persons = side.persons[rows]
    alone = side.persons.max() + 1 + np.arange(len(rows))
    if sampler == "one_per_person":
        return persons
    if sampler == "undersampled":
        return np.where(decode(side.labels[rows])["mask"] == WORN, persons, alone)
    return alone


def check_mixing(side: TrainingSide, config: TrialConfig) -> None:
    """Raise UserError where horizontal CutMix would find no second image of a class in an epoch."""
    share, sampler = config.augment.horizontal_cutmix, config.train.sampler
    if share == 0 or sampler != "one_per_person":
        return
    _, person, counts = np.unique(side.persons[side.rows], return_inverse=True, return_counts=True)
    images = np.bincount(side.labels[side.rows], 1 / counts[person], CLASS_COUNT).round(6)
    rarest = int(np.where(images > 0, images, np.inf).argmin())
    if images[rarest] < 2:
        raise UserError(
            f"augment.horizontal_cutmix={share:g} joins two images of a class, but train.sampler="
            f"{sampler} leaves {images[rarest]:.3g} images of '{CLASS_NAMES[rarest]}' an epoch on "
            "average: choose one of the two"
        )
