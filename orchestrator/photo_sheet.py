"""How are many photos shown with what is known of them? As tiles of one JPEG, lines under each."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from trainable.framing import ImageSize, decode_image, upright_size
from trainable.image_files import opened_image

Pixels = NDArray[np.uint8]
COLUMNS = 8
TILE_WIDTH, PHOTO_HEIGHT, LINE_HEIGHT, GAP = 200, 160, 15, 6
"""Pixels."""
FONT_SIZE = 11
PAPER, INK, RED = "white", "#333333", "#c00000"
QUALITY = 85


@dataclass(frozen=True)
class Line:
    """A line under a photo, red where it tells of a mistake."""

    text: str
    is_wrong: bool = False


@dataclass(frozen=True)
class Tile:
    """A photo (H, W, 3) and the lines under it."""

    photo: Pixels
    lines: Sequence[Line]


def photo_sheet(tiles: Sequence[Tile]) -> bytes:
    """Draw tiles row by row, each photo whole and not distorted; returns a JPEG file."""
    columns, rows = min(COLUMNS, len(tiles)), -(-len(tiles) // COLUMNS)
    height = PHOTO_HEIGHT + LINE_HEIGHT * max(len(tile.lines) for tile in tiles) + 2 * GAP
    sheet = Image.new("RGB", (columns * TILE_WIDTH, rows * height), PAPER)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, COLUMNS)
        _draw(sheet, tile, column * TILE_WIDTH, row * height)
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def read_photo(content: bytes) -> Pixels:
    """Return an image file's whole image, upright, at the height of a tile.

    Where the file is damaged, raises one of ``trainable.image_files.DAMAGED``.
    """
    with opened_image(content) as image:
        frame = upright_size(image)
    width = max(1, round(PHOTO_HEIGHT * frame.width / frame.height))
    return decode_image(content, ImageSize(PHOTO_HEIGHT, width))


def _draw(sheet: Image.Image, tile: Tile, left: int, top: int) -> None:
    room = (TILE_WIDTH - 2 * GAP, PHOTO_HEIGHT)
    photo = ImageOps.pad(Image.fromarray(tile.photo), room, color=PAPER, centering=(0, 0.5))
    sheet.paste(photo, (left + GAP, top + GAP))
    pen, below = ImageDraw.Draw(sheet), top + GAP + PHOTO_HEIGHT
    for number, line in enumerate(tile.lines):
        place = (left + GAP, below + number * LINE_HEIGHT)
        pen.text(place, line.text, RED if line.is_wrong else INK, _font())


@cache
def _font() -> ImageFont.FreeTypeFont:
    # Pillow's own font has no arrow; matplotlib brings one that has.
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    return ImageFont.truetype(folder / "DejaVuSans.ttf", FONT_SIZE)
