"""How do many trials share images that were decoded once?

Images are decoded, resized and laid into a memory-mapped uint8 array, one file per set of images
and size; the operating system shares its pages among all trials of the machine.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image, ImageOps

from trainable.config import UserError

CACHE_VERSION = 1
"""Raised when the same files would be cached to other pixels."""
CACHE_VARIABLE = "FACE_ORCHESTRATOR_CACHE"
MOST_PIXELS = 100_000_000
"""A larger image is refused unread: no camera made it."""


@dataclass(frozen=True)
class ImageCache:
    """Decoded images of one size.

    ``pixels`` (N, height, width, 3) uint8 RGB, read-only and memory-mapped; ``digests`` (N,) of the
    files' bytes; ``unreadable`` row -> reason, whose pixels are black.
    """

    pixels: NDArray[np.uint8]
    digests: NDArray[np.bytes_]
    unreadable: dict[int, str]


@dataclass(frozen=True)
class ImageSize:
    """Height and width in pixels."""

    height: int
    width: int


def cache_folder() -> Path:
    """Return where this machine keeps decoded images and the demo data."""
    base = os.environ.get(CACHE_VARIABLE) or os.environ.get("XDG_CACHE_HOME")
    folder = Path(base) if base else Path.home() / ".cache"
    return folder / "face-orchestrator"


def open_cache(root: Path, images: Sequence[str], size: ImageSize) -> ImageCache:
    """Return the decoded ``images`` (paths below ``root``), decoding them on first use."""
    files = [root / image for image in images]
    folder = cache_folder() / "images" / _key(files, images, size)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                _build(files, size, folder)
    reasons = json.loads((folder / "unreadable.json").read_text())
    return ImageCache(
        pixels=np.load(folder / "pixels.npy", mmap_mode="r"),
        digests=np.load(folder / "digests.npy"),
        unreadable={int(row): reason for row, reason in reasons.items()},
    )


def _key(files: Sequence[Path], images: Sequence[str], size: ImageSize) -> str:
    parts = [f"{CACHE_VERSION} {size.height} {size.width}"]
    for file, image in zip(files, images, strict=True):
        stat = file.stat()
        parts.append(f"{image} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _build(files: Sequence[Path], size: ImageSize, folder: Path) -> None:
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _decode_all(files, size, partial)
        partial.replace(folder)
    except OSError as error:
        raise UserError(
            f"cannot keep decoded images in {folder.parent} ({error.strerror}); "
            f"set {CACHE_VARIABLE} to a folder with room"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _decode_all(files: Sequence[Path], size: ImageSize, folder: Path) -> None:
    shape = (len(files), size.height, size.width, 3)
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, shape)
    with (folder / "pixels.npy").open("r+b") as file:
        # Take the room at once: a full disk is an error here, and would be a crash in the map.
        os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END))
    digests = np.zeros(len(files), "S32")
    unreadable: dict[int, str] = {}

    def decode(row: int) -> None:
        content = b""
        try:
            content = files[row].read_bytes()
            digests[row] = hashlib.blake2b(content, digest_size=16).hexdigest().encode()
            pixels[row] = decode_image(content, size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            is_empty = not content and files[row].is_file()
            unreadable[row] = "the file is empty" if is_empty else str(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, range(len(files)), chunksize=32))
    pixels.flush()
    np.save(folder / "digests.npy", digests)
    (folder / "unreadable.json").write_text(json.dumps(unreadable))


def decode_image(content: bytes, size: ImageSize) -> NDArray[np.uint8]:
    """Return an image file's pixels (height, width, 3), RGB; an error where it is damaged."""
    with Image.open(io.BytesIO(content)) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are more than any camera's")
        image.draft("RGB", (size.width, size.height))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        return np.asarray(upright.resize((size.width, size.height), Image.Resampling.BILINEAR))
