"""Which part of an image does the network see, and how is it decoded?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainable.image_files import LYING, opened_image, turn_of, upright


@dataclass(frozen=True)
class ImageSize:
    """Height and width in pixels."""

    height: int
    width: int


class Box(NamedTuple):
    """Edges in pixels of the upright original image; right and bottom lie outside the box."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class CentralPart:
    """The middle part of an image, or with ``at_bottom`` the middle of its bottom edge.

    ``height`` and ``width`` are shares of the image's.
    """

    height: float
    width: float
    at_bottom: bool = False

    def box(self, frame: ImageSize) -> Box:
        """Return the part of an image of the size ``frame``."""
        height, width = self.height * frame.height, self.width * frame.width
        top = (frame.height - height) / (1 if self.at_bottom else 2)
        left = (frame.width - width) / 2
        return Box(left, top, left + width, top + height)


@dataclass(frozen=True)
class FacePart:
    """A face with ``margin`` times its width and height added on each side, within the image."""

    face: Box
    margin: float

    def box(self, frame: ImageSize) -> Box:
        """Return the part of an image of the size ``frame``."""
        left, top, right, bottom = self.face
        beside, above = self.margin * (right - left), self.margin * (bottom - top)
        return Box(
            left=max(0, left - beside),
            top=max(0, top - above),
            right=min(frame.width, right + beside),
            bottom=min(frame.height, bottom + above),
        )


Part = CentralPart | FacePart
Framing = Mapping[str, Part]
"""Image -> its part that is kept; images that are not in it are kept whole."""
WHOLE = CentralPart(height=1, width=1)
ALL_WHOLE: Framing = MappingProxyType({})


def upright_size(image: Image.Image) -> ImageSize:
    """Return the size that an opened image has when its EXIF orientation is followed."""
    if _is_lying(image):
        return ImageSize(height=image.width, width=image.height)
    return ImageSize(height=image.height, width=image.width)


def decode_image(content: bytes, size: ImageSize, part: Part = WHOLE) -> NDArray[np.uint8]:
    """Return ``part`` of an image file as pixels (height, width, 3), RGB.

    Where the file is damaged, raises one of ``trainable.image_files.DAMAGED``.
    """
    with opened_image(content) as image:
        box = part.box(upright_size(image))
        scale = _reduce(image, size, box)
        whole = upright(image)
        kept = whole.crop(_whole_pixels(box, scale, whole))
        return np.asarray(kept.resize((size.width, size.height), Image.Resampling.BILINEAR))


def _is_lying(image: Image.Image) -> bool:
    return turn_of(image) in LYING


def _reduce(image: Image.Image, size: ImageSize, box: Box) -> float:
    """Let a JPEG be decoded at 1/2, 1/4 or 1/8 where ``box`` still has the pixels of ``size``.

    That is much faster. Returns the scale.
    """
    frame = upright_size(image)
    width = math.ceil(size.width * frame.width / (box.right - box.left))
    height = math.ceil(size.height * frame.height / (box.bottom - box.top))
    stored_width = image.width
    reduced = image.draft("RGB", (height, width) if _is_lying(image) else (width, height))
    return reduced[1][2] / stored_width if reduced else 1


def _whole_pixels(box: Box, scale: float, image: Image.Image) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(edge * scale) for edge in box)
    left, top = min(left, image.width - 1), min(top, image.height - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)
