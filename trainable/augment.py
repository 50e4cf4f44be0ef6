"""How are training images changed at random, and which of the changes do predicted images share?"""

import random
from collections.abc import Callable, Mapping
from typing import Any

import albumentations as albu
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import v2

from trainable.config import AugmentConfig
from trainable.normalization import COMPETITION_MEAN

# A trial's cores are shared out by Ray; OpenCV would start a thread on each of the machine's.
cv2.setNumThreads(0)

Images = NDArray[np.uint8]
Size = tuple[int, int]
"""(height, width)."""

BLUR_SIGMA = (0.3, 1.5)
NOISE_SHARE = (0.02, 0.1)
"""Smallest and largest standard deviation of the noise, as a share of 255."""
SHARPEN_ALPHA = (0.5, 1.0)
CLIP_LIMIT = 2.0
JITTER, JITTER_HUE = 0.2, 0.05
"""Largest shift of brightness, contrast and saturation, and of the hue as a share of its circle."""
HLS_SHIFTS = (10, 30, 30)
"""Largest shifts of hue (of OpenCV's 180), lightness and saturation (of 255)."""
HUES = 180
EDGE_THRESHOLDS, EDGE_SHARE = (100, 200), 1 / 3
WIDEST_ASPECT = 4 / 3
MEAN_COLOUR = tuple(round(255 * mean) for mean in COMPETITION_MEAN)

PREPROCESSING = ("clahe", "equalize", "canny", "greyscale")
"""Techniques that draw nothing: with a probability of 1 they are how the network sees images."""
COPY_CHANGES = ("flip", "random_crop", "brightness_contrast", "colour_jitter", "noise")
COPY_PROBABILITY = 0.5


class Augmenter:
    """Changes images technique by technique, each with its own probability for each image."""

    def __init__(self, config: AugmentConfig) -> None:
        self._config = config
        self._made: tuple[Size, dict[str, albu.BasicTransform]] = ((0, 0), {})

    def __call__(self, images: Images, old: NDArray[np.bool_], seed: int) -> Images:
        """Return changed copies of images (B, H, W, 3); ``old`` (B,) marks persons of 60 and over.

        The same images, marks and seed give the same result, in whichever process.
        """
        transforms = self._transforms(images.shape[1:3])
        if not transforms:
            return images
        changed = images.copy()
        # One generator for all transforms: seeded one by one they would all draw the same numbers.
        numbers, py_numbers = np.random.default_rng(seed), random.Random(seed)
        for name, transform in transforms.items():
            transform.set_random_state(numbers, py_numbers)
            chosen = numbers.random(len(images)) < self._probability(name, old)
            for i in np.flatnonzero(chosen):
                changed[i] = transform(image=changed[i])["image"]
        return changed

    def preprocess(self, images: Images) -> Images:
        """Return images (B, H, W, 3) with what training does to every image: the input if nothing.

        These are the techniques that draw nothing, where their probability is 1.
        """
        transforms = self._transforms(images.shape[1:3])
        for name in PREPROCESSING:
            if getattr(self._config, name) == 1:
                images = np.stack([transforms[name](image=image)["image"] for image in images])
        return images

    def _probability(self, name: str, old: NDArray[np.bool_]) -> float | NDArray[np.float64]:
        if name == "flip":
            return np.where(old, _flip_of_the_old(self._config), self._config.flip)
        return getattr(self._config, name)

    def _transforms(self, size: Size) -> dict[str, albu.BasicTransform]:
        if self._made[0] != size:
            self._made = (size, make_transforms(self._config, size))
        return self._made[1]


def make_transforms(config: AugmentConfig, size: Size) -> dict[str, albu.BasicTransform]:
    """Return the techniques that have a probability, in the order of TECHNIQUES."""
    probabilities = config.model_copy(update={"flip": _flip_of_the_old(config)})
    return {
        name: make(config, size)
        for name, make in TECHNIQUES.items()
        if getattr(probabilities, name) > 0
    }


def config_of_copies(config: AugmentConfig) -> AugmentConfig:
    """Return the settings with which further copies of an image are changed: oftener than others.

    A copy has at least half a chance of each of COPY_CHANGES, else it would repeat its original.
    """
    often = {name: max(getattr(config, name), COPY_PROBABILITY) for name in COPY_CHANGES}
    return config.model_copy(update=often)


class ShiftHls(albu.ImageOnlyTransform):
    """Shifts hue, lightness and saturation by up to ``limits``, in OpenCV's units of HLS."""

    def __init__(self, limits: tuple[float, float, float], p: float = 0.5) -> None:
        super().__init__(p=p)
        self.limits = limits

    def get_params(self) -> dict[str, Any]:
        """Draw the three shifts."""
        return {"shifts": [self.py_random.uniform(-limit, limit) for limit in self.limits]}

    def apply(self, img: Images, *args: Any, **params: Any) -> Images:
        """Return the image (H, W, 3) with its hue turned, its lightness and saturation clipped."""
        levels = np.arange(256)[:, None] + np.round(params["shifts"])
        levels[:, 0] %= HUES
        table = levels.clip(0, 255).astype(np.uint8)[:, None]
        shifted = cv2.LUT(cv2.cvtColor(img, cv2.COLOR_RGB2HLS), table)
        return np.asarray(cv2.cvtColor(shifted, cv2.COLOR_HLS2RGB), np.uint8)


class BlendEdges(albu.ImageOnlyTransform):
    """Blends an image with its edges, white on black (Canny 1986)."""

    def apply(self, img: Images, *args: Any, **params: Any) -> Images:
        """Return two thirds of the image (H, W, 3) and a third of its edges."""
        edges = cv2.Canny(cv2.cvtColor(img, cv2.COLOR_RGB2GRAY), *EDGE_THRESHOLDS)
        layer = cv2.cvtColor(edges, cv2.COLOR_GRAY2RGB)
        return np.asarray(cv2.addWeighted(img, 1 - EDGE_SHARE, layer, EDGE_SHARE, 0), np.uint8)


class RandAugment(albu.ImageOnlyTransform):
    """Applies two random operations of equal strength (Cubuk et al. 2020), as torchvision does.

    On a Pillow image, where they took 0.4 to 0.6 of the time that they take on a tensor.
    """

    def __init__(self, magnitude: int, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.policy = v2.RandAugment(num_ops=2, magnitude=magnitude, fill=list(MEAN_COLOUR))

    def get_params(self) -> dict[str, Any]:
        """Draw the seed of the operations."""
        return {"seed": self.py_random.getrandbits(63)}

    def apply(self, img: Images, *args: Any, **params: Any) -> Images:
        """Return the changed image (H, W, 3)."""
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would seed the GPU too, which is not restored.
            torch.default_generator.manual_seed(params["seed"])
            return np.asarray(self.policy(Image.fromarray(img)))


def random_crop(config: AugmentConfig, size: Size) -> albu.BasicTransform:
    """Return crops about as wide as the image, so that nearly all that are drawn lie inside."""
    height, width = size
    widest = min(WIDEST_ASPECT, config.crop_scale**-0.5)
    ratio = (width / height / widest, width / height * widest)
    return albu.RandomResizedCrop(size, scale=(config.crop_scale, 1), ratio=ratio, p=1)


def erasing(config: AugmentConfig, size: Size) -> albu.BasicTransform:
    """Return rectangles whose shape lets even the largest lie inside the image."""
    height, width = size
    narrowest = max(0.3, config.erasing_share)
    ratio = (width / height * narrowest, width / height / narrowest)
    scale = (config.erasing_share / 5, config.erasing_share)
    return albu.Erasing(scale=scale, ratio=ratio, fill=MEAN_COLOUR, p=1)


def _flip_of_the_old(config: AugmentConfig) -> float:
    return max(config.flip, config.flip_old)


TECHNIQUES: Mapping[str, Callable[[AugmentConfig, Size], albu.BasicTransform]] = {
    "flip": lambda config, size: albu.HorizontalFlip(p=1),
    "vertical_flip": lambda config, size: albu.VerticalFlip(p=1),
    "random_crop": random_crop,
    "rand_augment": lambda config, size: RandAugment(config.magnitude, p=1),
    "brightness_contrast": lambda config, size: albu.RandomBrightnessContrast(
        config.shift, config.shift, p=1
    ),
    "colour_jitter": lambda config, size: albu.ColorJitter(JITTER, JITTER, JITTER, JITTER_HUE, p=1),
    "hls": lambda config, size: ShiftHls(HLS_SHIFTS, p=1),
    "blur": lambda config, size: albu.GaussianBlur(sigma_limit=BLUR_SIGMA, p=1),
    "sharpen": lambda config, size: albu.Sharpen(SHARPEN_ALPHA, lightness=(1, 1), p=1),
    "noise": lambda config, size: albu.GaussNoise(NOISE_SHARE, p=1),
    "clahe": lambda config, size: albu.CLAHE((CLIP_LIMIT, CLIP_LIMIT), p=1),
    "equalize": lambda config, size: albu.Equalize(by_channels=False, p=1),
    "canny": lambda config, size: BlendEdges(p=1),
    # Before greyscale, for its colour is none of a grey image; after edges, for its own are false.
    "erasing": erasing,
    "greyscale": lambda config, size: albu.ToGray(p=1),
}
"""Setting -> its transform, in the order of application: place, colour, detail, view, holes."""
