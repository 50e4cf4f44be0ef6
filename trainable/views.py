"""As which views does a network see an image that it predicts?"""

from collections.abc import Iterator

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import five_crop, resize

from trainable.sections.network import PredictConfig

CROP_SHARE = 0.9
"""Height and width of a crop, as shares of the image's."""


def views_of(images: torch.Tensor, config: PredictConfig) -> Iterator[torch.Tensor]:
    """Yield what the network sees of images (B, 3, H, W) uint8, of the same shape each time.

    The whole image, or five crops in its stead; each followed by its mirror image with ``flip``.
    """
    for view in _five_crops(images) if config.crops == 5 else [images]:
        yield view
        if config.flip:
            yield view.flip(3)


def view_count(config: PredictConfig) -> int:
    """Return how many views there are of an image."""
    return config.crops * (2 if config.flip else 1)


def _five_crops(images: torch.Tensor) -> Iterator[torch.Tensor]:
    size = list(images.shape[2:])
    for crop in five_crop(images, [round(CROP_SHARE * side) for side in size]):
        yield resize(crop, size, interpolation=InterpolationMode.BILINEAR)
