"""Where are the same faces as larger files?"""

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from trainable.cache import cache_folder
from trainable.table import IMAGE_SUFFIXES

WIDTH, HEIGHT = 384, 512


def enlarged(root: Path) -> Path:
    """Return a copy of a data folder with its images enlarged, making it on first use."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    place = cache_folder() / "benchmarks" / f"{WIDTH}x{HEIGHT}-{fingerprint(files)}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as partial:
            copy = Path(partial) / "data"
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(enlarge, files, [copy / file.relative_to(root) for file in files]))
            copy.replace(place)
    return place


def fingerprint(files: list[Path]) -> str:
    """Return 16 hex digits of the files' names, sizes and times."""
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:16]


def enlarge(file: Path, target: Path) -> None:
    """Write an image WIDTH x HEIGHT pixels large; copy any other file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix.lower() not in IMAGE_SUFFIXES:
        shutil.copyfile(file, target)
        return
    image = cv2.imread(str(file))
    if image is None:
        raise ValueError(f"{file} cannot be read")
    larger = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    if not cv2.imwrite(str(target), larger):
        raise OSError(f"cannot write {target}")
