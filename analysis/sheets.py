"""How do many small images travel in one HTML page? As tiles of one JPEG, with captions."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from trainable.image_files import DAMAGED, DataFolder, opened_image, read_image, upright

Pixels = NDArray[np.uint8]
TILE_WIDTH, TILE_HEIGHT = 96, 128
"""Pixels of a face: multiples of JPEG's blocks, so that no tile bleeds into the next."""
COLUMNS = 12
"""Tiles of a sprite's row: no sprite is wider than browsers draw."""
QUALITY = 85
PAPER = (128, 128, 128)
"""Fills a tile where an image is narrower or wider."""


@dataclass(frozen=True)
class Tile:
    """One image of a sheet: its place in the sprite in pixels, its name and its caption."""

    left: int
    top: int
    name: str
    caption: str


@dataclass(frozen=True)
class Sheet:
    """Images of one size in one JPEG, ``sprite`` being its data URI."""

    sprite: str
    width: int
    height: int
    tiles: list[Tile]


def make_sheet(images: Sequence[Pixels], names: Sequence[str], captions: Sequence[str]) -> Sheet:
    """Lay images of one size (H, W, 3) into one JPEG, row by row."""
    height, width = images[0].shape[:2]
    places = [divmod(number, COLUMNS) for number in range(len(images))]
    columns = min(COLUMNS, len(images))
    sprite = np.zeros(((places[-1][0] + 1) * height, columns * width, 3), np.uint8)
    for (row, column), image in zip(places, images, strict=True):
        sprite[row * height : (row + 1) * height, column * width : (column + 1) * width] = image
    tiles = [
        Tile(column * width, row * height, name, caption)
        for (row, column), name, caption in zip(places, names, captions, strict=True)
    ]
    return Sheet(data_uri(sprite), width, height, tiles)


def data_uri(image: Pixels) -> str:
    """Return an image (H, W, 3) as a JPEG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def face(file: Path) -> Pixels:
    """Return an image file as a tile (128, 96, 3): the whole image, upright, not distorted."""
    with opened_image(read_image(file)) as image:
        # JPEG decodes to a smaller size at once, which is several times faster.
        image.draft("RGB", (2 * TILE_WIDTH, 2 * TILE_HEIGHT))
        whole = upright(image)
    return np.asarray(ImageOps.pad(whole, (TILE_WIDTH, TILE_HEIGHT), color=PAPER))


def readable_face(folder: DataFolder, image: str) -> Pixels | None:
    """Return the same, or None where the file is gone, damaged, or lies outside the data folder."""
    try:
        return face(folder.file(image))
    except DAMAGED:
        return None
