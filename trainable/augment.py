"""How are training images changed at random?"""

import random
from collections.abc import Sequence

import albumentations as albu
import cv2
import numpy as np
from numpy.typing import NDArray

from trainable.config import AugmentConfig
from trainable.model import COMPETITION_MEAN

# A trial's cores are shared out by Ray; OpenCV would start a thread on each of the machine's.
cv2.setNumThreads(0)

Images = NDArray[np.uint8]

ERASED_SHARE = (0.02, 0.10)
BLUR_SIGMA = (0.3, 1.5)
SHIFT = 0.2
MEAN_COLOUR = tuple(round(255 * mean) for mean in COMPETITION_MEAN)


class Augmenter:
    """Changes images one by one, each technique with its own probability."""

    def __init__(self, config: AugmentConfig) -> None:
        everybody = pipeline(config, config.flip)
        old = pipeline(config, max(config.flip, config.flip_old))
        self._pipelines = (everybody, old)

    def __call__(self, images: Images, old: NDArray[np.bool_], seed: int) -> Images:
        """Return changed copies of images (B, H, W, 3); ``old`` (B,) marks persons of 60 and over.

        The same images, marks and seed give the same result, in whichever process.
        """
        if not any(part.transforms for part in self._pipelines):
            return images
        # One generator for all transforms: seeded one by one they would all draw the same numbers.
        numbers, py_numbers = np.random.default_rng(seed), random.Random(seed)
        for part in self._pipelines:
            part.set_random_state(numbers, py_numbers)
        changed = [
            self._pipelines[int(is_old)](image=image)["image"]
            for image, is_old in zip(images, old, strict=True)
        ]
        return np.stack(changed)


def pipeline(config: AugmentConfig, flip: float) -> albu.Compose:
    """Return the transforms whose probability is not 0."""
    transforms: Sequence[albu.BasicTransform] = (
        albu.HorizontalFlip(p=flip),
        albu.RandomBrightnessContrast(SHIFT, SHIFT, p=config.brightness_contrast),
        albu.GaussianBlur(sigma_limit=BLUR_SIGMA, p=config.blur),
        albu.ToGray(p=config.greyscale),
        albu.Erasing(scale=ERASED_SHARE, fill=MEAN_COLOUR, p=config.erasing),
    )
    return albu.Compose([transform for transform in transforms if transform.p > 0])


def join_halves(left: Images, right: Images) -> Images:
    """Return horizontal CutMix: the left half of one image, the right half of the other."""
    middle = left.shape[-2] // 2
    return np.concatenate([left[..., :middle, :], right[..., middle:, :]], axis=-2)
