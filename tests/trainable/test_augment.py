"""Each augmentation changes an image with its own probability, and old persons may flip more."""

import numpy as np
import pytest

from trainable.augment import Augmenter, join_halves
from trainable.config import AugmentConfig

COUNT = 16
OLD = np.arange(COUNT) % 2 == 0
PIXELWISE = [name for name in AugmentConfig.model_fields if name != "horizontal_cutmix"]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 40, 32, 3), np.uint8)


def augmented(images: np.ndarray, seed: int = 0, **probabilities: float) -> np.ndarray:
    return Augmenter(AugmentConfig(**probabilities))(images, OLD, seed)


def test_probability_zero_leaves_images_alone(images):
    assert np.array_equal(augmented(images), images)


@pytest.mark.parametrize("name", sorted(set(PIXELWISE) - {"flip_old"}))
def test_probability_one_changes_every_image_and_not_its_source(images, name):
    source = images.copy()
    changed = augmented(images, **{name: 1})
    assert (changed != images).any(axis=(1, 2, 3)).all()
    assert (changed.shape, changed.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, source)


@pytest.mark.parametrize("name", sorted(set(PIXELWISE) - {"flip_old"}))
def test_probability_of_a_half_changes_some_images(images, name):
    changed = (augmented(images, **{name: 0.5}) != images).any(axis=(1, 2, 3))
    assert 0 < changed.sum() < len(images)


def test_flip_mirrors_left_and_right(images):
    assert np.array_equal(augmented(images, flip=1), images[:, :, ::-1])


def test_flip_of_the_old_leaves_the_young_alone(images):
    changed = augmented(images, flip_old=1)
    assert np.array_equal(changed[OLD], images[OLD][:, :, ::-1])
    assert np.array_equal(changed[~OLD], images[~OLD])


def test_larger_flip_counts_for_the_old(images):
    assert np.array_equal(augmented(images, flip=1, flip_old=0.5), images[:, :, ::-1])


def test_greyscale_makes_channels_equal(images):
    grey = augmented(images, greyscale=1)
    assert np.array_equal(grey[..., 0], grey[..., 1])
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_erasing_fills_one_rectangle_of_two_to_ten_percent(images):
    for image, source in zip(augmented(images, erasing=1), images, strict=True):
        rows, columns = np.nonzero((image != source).any(axis=2))
        area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1) / (40 * 32)
        assert 0.01 < area < 0.12
        assert len(np.unique(image[rows, columns], axis=0)) == 1


def test_brightness_and_contrast_shift_by_up_to_a_fifth():
    grey = np.full((COUNT, 40, 32, 3), 100, np.uint8)
    shifted = augmented(grey, brightness_contrast=1).astype(int)
    assert np.ptp(shifted) > 0
    assert np.abs(shifted - 100).max() <= 0.2 * 255 + 0.2 * 100


def test_same_seed_same_images_and_another_seed_others(images):
    every = dict.fromkeys(PIXELWISE, 0.5)
    first, again, other = (augmented(images, seed, **every) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_augmentations_are_drawn_independently_of_one_another():
    dark_left = np.zeros((256, 8, 8, 3), np.uint8)
    dark_left[:, :, 4:] = (200, 150, 100)
    both = Augmenter(AugmentConfig(flip=0.5, greyscale=0.5))
    changed = both(dark_left, np.zeros(256, bool), seed=0)
    is_flipped = changed[:, 0, 0, 0] > 0
    is_grey = (changed[..., 0] == changed[..., 2]).all(axis=(1, 2))
    assert abs(np.corrcoef(is_flipped, is_grey)[0, 1]) < 0.3


def test_cutmix_joins_a_left_and_a_right_half(images):
    joined = join_halves(images[0], images[1])
    assert np.array_equal(joined[:, :16], images[0][:, :16])
    assert np.array_equal(joined[:, 16:], images[1][:, 16:])
