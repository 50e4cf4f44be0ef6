"""How large are the image files?"""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import ExifTags, Image

FIRST_TURNED = 5
"""From this EXIF orientation on, width and height change places."""


def image_sizes(files: Sequence[Path]) -> Counter[tuple[int, int]]:
    """Count the files by (width, height) in pixels, upright; only their headers are read."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return Counter(pool.map(image_size, files))


def image_size(file: Path) -> tuple[int, int]:
    """Return (width, height) of an image as a viewer shows it, turned as its EXIF says."""
    with Image.open(file) as image:
        # Asked of a PNG without EXIF, getexif would decode the whole image to look for it.
        turn = image.getexif().get(ExifTags.Base.Orientation, 1) if "exif" in image.info else 1
        width, height = image.size
    return (height, width) if turn >= FIRST_TURNED else (width, height)
