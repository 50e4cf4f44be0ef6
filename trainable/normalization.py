"""With which mean and standard deviation does the network see colours?"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from trainable.cache import ImageCache
from trainable.config import TrialConfig
from trainable.dataset import FaceData
from trainable.files import write_text
from trainable.timm_alone import timm

COMPETITION_MEAN = (0.548, 0.504, 0.479)
COMPETITION_STD = (0.237, 0.247, 0.246)
IMAGES_AT_ONCE = 16


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of RGB, as shares of 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ColourSums:
    """Sums over pixels of R, G and B (3,) and of their squares, of 0-255, and how many pixels."""

    pixels: int
    values: NDArray[np.float64]
    squares: NDArray[np.float64]

    def __add__(self, other: "ColourSums") -> "ColourSums":
        return ColourSums(
            self.pixels + other.pixels, self.values + other.values, self.squares + other.squares
        )


def normalization(config: TrialConfig, data: FaceData) -> Normalization:
    """Return what ``data.normalization`` says."""
    return NORMALIZATIONS[config.data.normalization](config, data)


def expected_by_weights(config: TrialConfig, data: FaceData) -> Normalization:
    """Return what the pretrained weights expect, else the competition's baseline."""
    if not config.model.pretrained:
        return COMPETITION
    known = timm.get_pretrained_cfg(config.model.backbone)
    assert known is not None
    return Normalization(known.mean, known.std)


def measured(config: TrialConfig, data: FaceData) -> Normalization:
    """Return mean and standard deviation of all readable training and eval images, as framed."""
    sums = colour_sums(data.cache) + colour_sums(data.eval_cache)
    mean = sums.values / sums.pixels
    std = np.sqrt(sums.squares / sums.pixels - mean**2)
    return Normalization(tuple((mean / 255).tolist()), tuple((std / 255).tolist()))


def colour_sums(cache: ImageCache) -> ColourSums:
    """Return the sums over the readable images, computed once and kept beside the pixels."""
    file = cache.folder / "colours.json"
    with FileLock(f"{file}.lock"):
        if not file.exists():
            _write(_sum(cache), file)
    found = json.loads(file.read_text())
    return ColourSums(found["pixels"], np.array(found["values"]), np.array(found["squares"]))


def _sum(cache: ImageCache) -> ColourSums:
    count, height, width, _ = cache.pixels.shape
    rows = np.setdiff1d(np.arange(count), list(cache.unreadable))
    values, squares = np.zeros(3), np.zeros(3)
    for start in range(0, len(rows), IMAGES_AT_ONCE):
        images = cache.pixels[rows[start : start + IMAGES_AT_ONCE]].astype(np.float64)
        values += images.sum(axis=(0, 1, 2))
        squares += np.einsum("nhwc,nhwc->c", images, images)
    return ColourSums(len(rows) * height * width, values, squares)


def _write(sums: ColourSums, file: Path) -> None:
    found = {"values": sums.values.tolist(), "squares": sums.squares.tolist()}
    write_text(file, json.dumps({"pixels": sums.pixels, **found}))


COMPETITION = Normalization(COMPETITION_MEAN, COMPETITION_STD)
IMAGENET = Normalization(timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD)
UNCHANGED = Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
NORMALIZATIONS: Mapping[str, Callable[[TrialConfig, FaceData], Normalization]] = {
    "auto": expected_by_weights,
    "competition": lambda config, data: COMPETITION,
    "imagenet": lambda config, data: IMAGENET,
    "data": measured,
    "none": lambda config, data: UNCHANGED,
}
