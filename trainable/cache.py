"""How do trials share what was read from images once?

Images are decoded, resized and laid into a memory-mapped uint8 array, one file per set of images,
framing and size; the operating system shares its pages among all trials of the machine.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from trainable.framing import ALL_WHOLE, WHOLE, Framing, ImageSize, Part, decode_image
from trainable.image_files import DAMAGED, read_image
from trainable.settings import UserError

CACHE_VERSION = 3
"""Raised when the same files would be cached to other pixels."""
KIND = "images"
"""Folder of decoded images, in the cache."""
CACHE_VARIABLE = "FACE_ORCHESTRATOR_CACHE"


@dataclass(frozen=True)
class ImageCache:
    """Decoded images of one size.

    ``pixels`` (N, height, width, 3) uint8 RGB, read-only and memory-mapped; ``digests`` (N,) of the
    files' bytes; ``unreadable`` row -> reason, whose pixels are black; ``folder`` of all this.
    """

    folder: Path
    pixels: NDArray[np.uint8]
    digests: NDArray[np.bytes_]
    unreadable: dict[int, str]


def cache_folder() -> Path:
    """Return where this machine keeps decoded images and the demo data."""
    base = os.environ.get(CACHE_VARIABLE) or os.environ.get("XDG_CACHE_HOME")
    folder = Path(base) if base else Path.home() / ".cache"
    return folder / "face-orchestrator"


def open_cache(
    root: Path, images: Sequence[str], size: ImageSize, framing: Framing = ALL_WHOLE
) -> ImageCache:
    """Return the decoded ``images`` (paths below ``root``), decoding them on first use."""
    parts = [framing.get(image, WHOLE) for image in images]
    asked = [f"{CACHE_VERSION} {size}", *map(str, parts), *file_states(root, images)]
    decode = partial(_decode_all, [root / image for image in images], parts, size)
    return opened(built_once(KIND, asked, decode))


def opened(folder: Path) -> ImageCache:
    """Return the decoded images that a folder of this machine's cache holds."""
    reasons = json.loads((folder / "unreadable.json").read_text())
    return ImageCache(
        folder=folder,
        pixels=np.load(folder / "pixels.npy", mmap_mode="r"),
        digests=np.load(folder / "digests.npy"),
        unreadable={int(row): reason for row, reason in reasons.items()},
    )


def file_states(root: Path, images: Iterable[str]) -> list[str]:
    """Return a line for each image that changes when its file does; files may be missing."""
    return [f"{image} {_state(root / image)}" for image in images]


def folder_of(kind: str, asked: Iterable[str]) -> Path:
    """Return the folder of ``kind`` for what was ``asked``, which need not be there yet."""
    key = hashlib.sha256("\n".join(asked).encode()).hexdigest()[:24]
    return cache_folder() / kind / key


def built_once(kind: str, asked: Iterable[str], build: Callable[[Path], None]) -> Path:
    """Return the folder of ``kind`` that ``build`` filled for whoever ``asked`` the same first.

    Other processes wait meanwhile. The folder is whole or not there, wherever a build is killed.
    """
    folder = folder_of(kind, asked)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                _build(folder, build)
    return folder


def _state(file: Path) -> str:
    if not file.exists():  # a link to nowhere: told as unreadable when it is decoded
        return "missing"
    stat = file.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    for left_by_a_killed_build in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(left_by_a_killed_build)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        build(unfinished)
        unfinished.replace(folder)
    except OSError as error:
        raise UserError(
            f"cannot keep what was read from images in {folder.parent} ({error.strerror}); "
            f"set {CACHE_VARIABLE} to a folder with room"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _decode_all(
    files: Sequence[Path], parts: Sequence[Part], size: ImageSize, folder: Path
) -> None:
    shape = (len(files), size.height, size.width, 3)
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, shape)
    _take_room(folder / "pixels.npy")
    digests = np.zeros(len(files), "S32")
    unreadable: dict[int, str] = {}

    def decode(row: int) -> None:
        content = b""
        try:
            content = read_image(files[row])
            digests[row] = hashlib.blake2b(content, digest_size=16).hexdigest().encode()
            pixels[row] = decode_image(content, size, parts[row])
        except DAMAGED as error:
            is_empty = not content and files[row].is_file()
            unreadable[row] = "the file is empty" if is_empty else _reason(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, range(len(files)), chunksize=32))
    pixels.flush()
    np.save(folder / "digests.npy", digests)
    (folder / "unreadable.json").write_text(json.dumps(unreadable))


def _take_room(file: Path) -> None:
    # A full disk is an error here, and would be a crash in the map; macOS cannot be asked.
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, opened.seek(0, os.SEEK_END))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
