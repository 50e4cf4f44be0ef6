"""Where is the face in each image? Where a detector finds it, or where a table says."""

import importlib
import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from trainable.cache import built_once, file_states
from trainable.framing import Box, ImageSize, decode_image, upright_size
from trainable.image_files import DAMAGED, opened_image, read_image
from trainable.sections.data import DETECTED
from trainable.settings import UserError
from trainable.table import read_csv, refuse_rows

STORED = "boxes.json"
INSTALL = "pip install --no-deps facenet-pytorch==2.6.0"
DETECTOR_VERSION = 1
"""Raised when other boxes would be found in the same images."""
SIDE = 256
"""Longer side, in pixels, at which an image is searched: the face of a portrait is large."""
SMALLEST_FACE = 32
"""Side of the smallest face that is looked for, in pixels of that image."""
IMAGES_AT_ONCE = 16


def face_boxes(setting: str, root: Path, images: Sequence[str]) -> dict[str, Box]:
    """Return the face of those of the ``images`` that have one, as ``data.face_boxes`` says.

    The boxes are kept beside the decoded images, for all image sizes.
    """
    if setting == DETECTED:
        asked, find = f"{DETECTED} {DETECTOR_VERSION}", partial(_detected, root, images)
    else:
        table = _read_table(Path(setting), images)
        asked, find = table.to_csv(), partial(_checked, Path(setting), table, root)

    def build(folder: Path) -> None:
        boxes = find()
        without = f"{len(images) - len(boxes)} of {len(images)} images"
        if len(boxes) < len(images):
            print(f"no face in {without}: they keep their whole frame", file=sys.stderr)
        (folder / STORED).write_text(json.dumps(boxes))

    folder = built_once("boxes", [asked, *file_states(root, images)], build)
    boxes = json.loads((folder / STORED).read_text())
    return {image: Box(*edges) for image, edges in boxes.items()}


def _read_table(file: Path, images: Iterable[str]) -> pd.DataFrame:
    """Return a user's boxes as numbers, indexed as ``read_csv`` does."""
    if not file.exists():
        raise UserError(
            f"data.face_boxes={file}: there is no such file; write the path of a CSV, or {DETECTED}"
        )
    table = read_csv(file, ("image", *Box._fields))
    names = table["image"]
    refuse_rows(file, names[~names.isin(set(images))], "no such image in the data folder")
    refuse_rows(file, names[names.duplicated()], "image occurs twice")
    numbers = table[list(Box._fields)].apply(pd.to_numeric, errors="coerce")
    for edge in Box._fields:
        refuse_rows(file, table[edge][~np.isfinite(numbers[edge])], f"{edge} is no number")
    empty = (numbers["right"] <= numbers["left"]) | (numbers["bottom"] <= numbers["top"])
    refuse_rows(file, names[empty], "the box is empty")
    return numbers.assign(image=names)


def _checked(file: Path, table: pd.DataFrame, root: Path) -> dict[str, Box]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        frames = list(pool.map(_frame, [root / image for image in table["image"]]))
    x, y = (table["left"] + table["right"]) / 2, (table["top"] + table["bottom"]) / 2
    is_inside = x.between(0, [frame.width for frame in frames])
    is_inside &= y.between(0, [frame.height for frame in frames])
    complaint = "the middle of the box is outside the image (pixels of the upright original)"
    refuse_rows(file, table["image"][~is_inside], complaint)
    edges = table[list(Box._fields)].to_numpy().tolist()
    return {image: Box(*row) for image, row in zip(table["image"], edges, strict=True)}


def _frame(file: Path) -> ImageSize:
    try:
        with opened_image(read_image(file)) as image:
            return upright_size(image)
    except DAMAGED:  # told when the images are decoded
        return ImageSize(sys.maxsize, sys.maxsize)


def _detected(root: Path, images: Sequence[str]) -> dict[str, Box]:
    detect = partial(_detect, _make_detector(), root)
    batches = [images[i : i + IMAGES_AT_ONCE] for i in range(0, len(images), IMAGES_AT_ONCE)]
    threads = torch.get_num_threads()
    # A core for each of several batches, not all cores for one: twice as fast.
    pool = ThreadPoolExecutor(os.cpu_count(), "faces", torch.set_num_threads, (1,))
    try:
        found = track(
            pool.map(detect, batches),
            description=f"finding faces in {len(images)} images",
            total=len(batches),
            console=Console(stderr=True),
        )
        return {image: box for batch in found for image, box in batch.items()}
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # what the pool's threads set holds for later threads


def _make_detector() -> Any:
    try:
        library = importlib.import_module("facenet_pytorch")
    except ImportError as error:
        raise UserError(
            f"data.face_boxes={DETECTED} takes the package facenet-pytorch ({error}); "
            f"install it with: {INSTALL}"
        ) from error
    with torch.random.fork_rng(devices=[]):  # weights are drawn before they are loaded
        return library.MTCNN(min_face_size=SMALLEST_FACE, device="cpu")


def _detect(detector: Any, root: Path, images: Sequence[str]) -> dict[str, Box]:
    """Return the largest face of each image that has one."""
    searched = [_search_image(root / image) for image in images]
    found, _ = detector.detect(np.stack([pixels for pixels, _ in searched]))
    return {
        image: _original_box(faces[0], scale)
        for image, faces, (_, scale) in zip(images, found, searched, strict=True)
        if faces is not None
    }


def _search_image(file: Path) -> tuple[NDArray[np.uint8], float]:
    """Return pixels (SIDE, SIDE, 3) with the image at the left and top, and its scale."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    try:
        content = read_image(file)
        with opened_image(content) as image:
            frame = upright_size(image)
        scale = SIDE / max(frame.height, frame.width)
        height, width = (max(1, round(scale * side)) for side in (frame.height, frame.width))
        pixels[:height, :width] = decode_image(content, ImageSize(height, width))
    except DAMAGED:  # told when the images are decoded
        return pixels, 1
    return pixels, scale


def _original_box(found: NDArray[np.floating], scale: float) -> Box:
    left, top, right, bottom = (float(edge) / scale for edge in found)
    return Box(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
