"""How is the first training batch shown on the page about the data?"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.sheets import Sheet, make_sheet
from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.first_batch import first_batch, label_texts
from trainable.settings import UserError

SHOWN = 64
"""Images of a larger batch that are shown."""
SHOWN_HEIGHT = 160
"""Pixels."""


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


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    method = cv2.INTER_AREA if height > SHOWN_HEIGHT else cv2.INTER_LINEAR
    size = (round(width * SHOWN_HEIGHT / height), SHOWN_HEIGHT)
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
