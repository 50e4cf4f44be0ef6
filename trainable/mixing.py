"""How are images joined and mixed with others, and their targets with them?"""

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import v2

from trainable.config import AugmentConfig

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images (B, 3, H, W) uint8, targets (B, T)."""


def join_halves(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return horizontal CutMix: the left half of one image, the right half of the other."""
    middle = left.shape[-2] // 2
    return np.concatenate([left[..., :middle, :], right[..., middle:, :]], axis=-2)


def mix_batch(batch: Batch, config: AugmentConfig, generator: np.random.Generator) -> Batch:
    """Return the batch after CutMix (Yun et al. 2019), MixUp (Zhang et al. 2018) or neither.

    Each image is mixed with the one before it, and all columns of its target with that one's, by
    the same share. Whether, which and how follow from ``generator``.
    """
    drawn, seed = generator.random(), int(generator.integers(2**63 - 1))
    if drawn >= config.cutmix + config.mixup:
        return batch
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the GPU too, which is not restored.
        torch.default_generator.manual_seed(seed)
        mix = cut_mix if drawn < config.cutmix else mix_up
        return mix(batch, config.mix_alpha)


def cut_mix(batch: Batch, alpha: float) -> Batch:
    """Return the batch with one rectangle of each image taken from the image before it."""
    return v2.CutMix(alpha=alpha)(*batch)


def mix_up(batch: Batch, alpha: float) -> Batch:
    """Return the batch with each image averaged with the one before it, rounded to uint8."""
    images, targets = v2.MixUp(alpha=alpha)(batch[0].float(), batch[1])
    return images.round_().to(torch.uint8), targets
