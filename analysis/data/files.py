"""How large are the image files?"""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trainable.image_files import LYING, opened_image, read_image, turn_of


def image_sizes(files: Sequence[Path]) -> Counter[tuple[int, int]]:
    """Count the files by (width, height) in pixels, upright; none is decoded."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return Counter(pool.map(image_size, files))


def image_size(file: Path) -> tuple[int, int]:
    """Return (width, height) of an image as a viewer shows it, turned as its EXIF says."""
    with opened_image(read_image(file)) as image:
        # Asked of a PNG without EXIF, Pillow would decode the whole image to look for it.
        is_lying = "exif" in image.info and turn_of(image) in LYING
        width, height = image.size
    return (height, width) if is_lying else (width, height)
