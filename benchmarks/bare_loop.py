"""How fast is training with nothing around it? `python -m benchmarks.bare_loop <root> <epochs>`.

Forward, backward, optimizer step and validation on normalised float tensors that already lie in
memory, batch by batch. Only these are timed: no imports, no decoding, no gathering of batches,
no augmentation. Reads names of variants from its input and answers with epochs a minute.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks.samples import LIMIT_FAST, LIMIT_USUAL
from benchmarks.task import BACKBONE, Task
from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.folds import Rows
from trainable.labels import CLASS_COUNT
from trainable.normalization import COMPETITION_MEAN, COMPETITION_STD

LEARNING_RATE = 2e-3
Batches = list[tuple[torch.Tensor, torch.Tensor]]
"""Normalised images (B, 3, H, W) float32 and labels (B,)."""


@dataclass(frozen=True)
class Sides:
    """What is trained on and what is predicted."""

    train: Batches
    validation: Batches


@dataclass(frozen=True)
class Variant:
    """A way to write the loop."""

    memory_format: torch.memory_format
    optimizer: Callable[[Iterator[torch.nn.Parameter]], torch.optim.Optimizer]


def serve(root: str, epochs: str) -> None:
    """Say that the arrays are loaded, then train each variant that is named and say how fast."""
    sides = load_sides(Task(Path(root)).trial())
    print(json.dumps(0), flush=True)
    for line in sys.stdin:
        seconds = timed_epochs(VARIANTS[line.strip()], sides, int(epochs))
        print(json.dumps(60 * int(epochs) / seconds), flush=True)


def load_sides(config: TrialConfig) -> Sides:
    """Return both sides of the split that the search uses, in batches of its size."""
    data = load_data(config.data)
    (fold,) = data.folds(config.cv)
    size = config.train.batch_size
    return Sides(make_batches(data, fold.train, size), make_batches(data, fold.validation, size))


def make_batches(data: FaceData, rows: Rows, size: int) -> Batches:
    """Return shuffled rows as batches; a last batch of one image is left out."""
    shuffled = np.random.default_rng(0).permutation(rows)
    parts = [shuffled[i : i + size] for i in range(0, len(shuffled) - 1, size)]
    labels = torch.from_numpy(data.images["label"].to_numpy())
    return [(normalized(data.cache.pixels[part]), labels[part]) for part in parts]


def normalized(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Return images (B, H, W, 3) uint8 as the network sees them, (B, 3, H, W) float32."""
    mean, std = (np.array(part, np.float32) for part in (COMPETITION_MEAN, COMPETITION_STD))
    images = (pixels.astype(np.float32) / 255 - mean) / std
    return torch.from_numpy(images.transpose(0, 3, 1, 2))


def timed_epochs(variant: Variant, sides: Sides, epochs: int) -> float:
    """Return the seconds of whole epochs, after one batch that warms up."""
    torch.manual_seed(0)
    model = timm.create_model(BACKBONE, num_classes=CLASS_COUNT)
    model = model.to(memory_format=variant.memory_format)
    optimizer = variant.optimizer(model.parameters())
    train = laid_out(sides.train, variant.memory_format)
    validation = laid_out(sides.validation, variant.memory_format)
    train_batches(model, optimizer, train[:1])
    started = time.perf_counter()
    for _ in range(epochs):
        train_batches(model, optimizer, train)
        validate(model, validation)
    return time.perf_counter() - started


def laid_out(batches: Batches, memory_format: torch.memory_format) -> Batches:
    """Return the batches in a memory layout."""
    return [(images.contiguous(memory_format=memory_format), labels) for images, labels in batches]


def train_batches(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, batches: Batches
) -> None:
    """Train on every batch once."""
    model.train()
    for images, labels in batches:
        optimizer.zero_grad()
        functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


def validate(model: torch.nn.Module, batches: Batches) -> float:
    """Return the mean over the batches of the share of images that are classified correctly."""
    model.eval()
    with torch.inference_mode():
        shares = [(model(images).argmax(1) == labels).float().mean() for images, labels in batches]
    return float(torch.stack(shares).mean())


VARIANTS = {
    LIMIT_USUAL: Variant(
        torch.contiguous_format, lambda weights: torch.optim.AdamW(weights, LEARNING_RATE)
    ),
    LIMIT_FAST: Variant(
        torch.channels_last, lambda weights: torch.optim.AdamW(weights, LEARNING_RATE, fused=True)
    ),
}
"""The loop as it is usually written, and in the memory layout and optimizer of our own code."""

if __name__ == "__main__":
    serve(*sys.argv[1:])
