"""How is an image of a data folder read, which may be anything that somebody put there?

Only two decoders are used, of the layouts that the competition has: each further one is code that
a file can choose to run. What makes no image ends in an error, in bounded time and memory.
"""

import io
import os
import stat
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

DECODERS = ("JPEG", "PNG")
DAMAGED = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What reading an image raises where its file is damaged, or is none."""
MOST_BYTES = 100_000_000
"""A larger file is refused unread, and so is an image of more than MOST_PIXELS: no camera's."""
MOST_PIXELS = 100_000_000
LARGE_PIXELS = 25_000_000
"""Larger images are decoded one at a time: a core for each could take all memory."""
EXIF_ORIENTATION = 0x0112
TURNS: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its EXIF orientation; with any other value it is."""
LYING = tuple(TURNS[value] for value in (5, 6, 7, 8))
"""The turns after which the stored width is the height."""

_one_large = threading.Lock()


@dataclass(frozen=True)
class DataFolder:
    """A data folder, and whether links in it may lead out of it; ``root`` may be a link itself."""

    root: Path
    follow_links: bool = False

    def file(self, name: str) -> Path:
        """Return the path of ``name`` below the folder; ValueError where it is not below it."""
        path = self.root / name
        if ".." in path.parts[len(self.root.parts) :] or not path.is_relative_to(self.root):
            raise ValueError(f"{name} is no path below the data folder")
        if not self.follow_links and leads_out(self.root, path):
            raise ValueError(f"{name} is a link out of the data folder")
        return path


def leads_out(root: Path, path: Path) -> bool:
    """Say whether a path below ``root`` ends outside, by a link on its way or by `..`."""
    target, bound = (os.path.realpath(one) for one in (path, root))
    return not Path(target).is_relative_to(bound)


def read_image(file: Path) -> bytes:
    """Return a file's bytes; one of DAMAGED where it cannot be read, or is no file.

    Neither a pipe is waited for nor a device opened.
    """
    found = file.stat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise ValueError("it is no file, but a pipe, a socket or a device")
    if found.st_size > MOST_BYTES:
        raise ValueError(f"{found.st_size / 1e6:.0f} MB are more than any camera's")
    return file.read_bytes()


@contextmanager
def opened_image(content: bytes) -> Generator[Image.Image]:
    """Give the image of a JPEG or PNG file, not decoded yet; one of DAMAGED where it is neither."""
    try:
        image = Image.open(io.BytesIO(content), formats=DECODERS)
    except UnidentifiedImageError:
        raise ValueError("it is no JPEG or PNG, or its beginning is damaged") from None
    pixels = image.width * image.height
    with image, _one_large if pixels > LARGE_PIXELS else nullcontext():
        if pixels > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are more than any camera's")
        yield image


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return what makes an opened image upright, as its EXIF says; None where it is."""
    return TURNS.get(image.getexif().get(EXIF_ORIENTATION))


def upright(image: Image.Image) -> Image.Image:
    """Return an opened image decoded, upright, RGB."""
    # Pillow's exif_transpose also writes the other tags anew, and fails where one is odd.
    turn = turn_of(image)
    return (image if turn is None else image.transpose(turn)).convert("RGB")
