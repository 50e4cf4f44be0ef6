"""What does a network see first? The first training batch under exactly the trial's settings."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from trainable.batches import TrainingBatches
from trainable.config import TrialConfig
from trainable.dataset import FaceData
from trainable.heads import task_target
from trainable.labels import CLASS_NAMES, TASK_CLASSES, TASKS
from trainable.sampling import training_side
from trainable.sections.network import ModelConfig

SMALLEST_SHARE = 0.005
"""A smaller share of a mixed label would be written as 0.00."""


def first_batch(config: TrialConfig, data: FaceData) -> tuple[NDArray[np.uint8], torch.Tensor]:
    """Return images (B, H, W, 3) and targets (B, T) of fold 0, epoch 0, batch 0."""
    side = training_side(config, data, data.folds(config.cv)[0])
    images, targets = TrainingBatches(side, config, 0)[0, 0]
    return images.permute(0, 2, 3, 1).numpy(), targets


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
