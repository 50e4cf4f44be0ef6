"""What does a network see first? The first training batch under exactly the trial's settings."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from analysis.sheets import Sheet, make_sheet
from trainable.batches import TrainingBatches
from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.heads import task_target
from trainable.labels import CLASS_NAMES, TASK_CLASSES, TASKS
from trainable.sampling import training_side
from trainable.sections.network import ModelConfig
from trainable.settings import UserError

SHOWN = 64
"""Images of a larger batch that are shown."""
SHOWN_HEIGHT = 160
"""Pixels."""
SMALLEST_SHARE = 0.005
"""A smaller share of a mixed label would be written as 0.00."""


@dataclass(frozen=True)
class FirstBatch:
    """A member's first batch: ``images`` (B, H, W, 3), ``labels`` what each is trained as.

    ``notes`` are sentences on the data that it comes from.
    """

    member: str
    images: NDArray[np.uint8]
    labels: list[str]
    notes: list[str]

    def sheet(self) -> Sheet:
        """Return the first images with their labels."""
        images = [_resized(image) for image in self.images[:SHOWN]]
        numbers = [f"image {number} of the batch" for number in range(1, len(images) + 1)]
        return make_sheet(images, numbers, self.labels[:SHOWN])


@dataclass(frozen=True)
class Refusal:
    """Why a trial with these settings would not start."""

    member: str
    reason: str


def first_batches(config: TrialConfig) -> list[FirstBatch | Refusal]:
    """Return what each member sees first, or why it would see nothing."""
    return [_first_of(member, own) for member, own in config.member_configs().items()]


def _first_of(member: str, config: TrialConfig) -> FirstBatch | Refusal:
    try:
        data = load_data(config.data)
        images, targets = first_batch(config, data)
    except UserError as error:
        return Refusal(member, str(error))
    return FirstBatch(member, images, label_texts(targets, config.model), notes(config, data))


def first_batch(config: TrialConfig, data: FaceData) -> tuple[NDArray[np.uint8], torch.Tensor]:
    """Return images (B, H, W, 3) and targets (B, T) of fold 0, epoch 0, batch 0."""
    side = training_side(config, data, data.folds(config.cv)[0])
    images, targets = TrainingBatches(side, config, 0)[0, 0]
    return images.permute(0, 2, 3, 1).numpy(), targets


def notes(config: TrialConfig, data: FaceData) -> list[str]:
    """Return what label fixes and face crops did to the data."""
    found: list[str] = []
    if fixes := config.data.label_fixes:
        found.append(
            f"data.label_fixes={fixes} corrects the labels of {data.fixed_labels:,} images."
        )
    if boxes := config.data.face_boxes:
        found.append(
            f"data.face_boxes={boxes} has no face of {len(data.faceless):,} images: they are whole."
        )
    return found


def label_texts(targets: torch.Tensor, model: ModelConfig) -> list[str]:
    """Return what each image of targets (B, T) is trained as; a mixed one a line for each share."""
    head = "joint" if model.tasks == TASKS else model.tasks[0]
    names = CLASS_NAMES if head == "joint" else TASK_CLASSES[head]
    return [_label_text(shares, names) for shares in task_target(targets, head).tolist()]


def _label_text(shares: Sequence[float], names: Sequence[str]) -> str:
    parts = sorted(zip(shares, names, strict=True), reverse=True)
    parts = [(share, name) for share, name in parts if share >= SMALLEST_SHARE]
    if len(parts) == 1:
        return parts[0][1]
    return "\n".join(f"{share:.2f} {name}" for share, name in parts)


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    method = cv2.INTER_AREA if height > SHOWN_HEIGHT else cv2.INTER_LINEAR
    size = (round(width * SHOWN_HEIGHT / height), SHOWN_HEIGHT)
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
