"""Each technique changes an image with its own probability, by no more than its settings say."""

import colorsys
import pickle
import random

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from trainable.augment import (
    COPY_CHANGES,
    HLS_SHIFTS,
    JITTER_HUE,
    MEAN_COLOUR,
    PREPROCESSING,
    TECHNIQUES,
    Augmenter,
    RandAugment,
    ShiftHls,
    config_of_copies,
)
from trainable.config import AugmentConfig

COUNT = 16
HEIGHT, WIDTH = 40, 32
OLD = np.arange(COUNT) % 2 == 0
OF_A_BATCH = {"horizontal_cutmix", "cutmix", "mixup"}
ALL_HALF = dict.fromkeys(TECHNIQUES, 0.5)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), np.uint8)


def flat(*colour: int) -> np.ndarray:
    return np.full((COUNT, HEIGHT, WIDTH, 3), colour, np.uint8)


def augmented(images: np.ndarray, seed: int = 0, **settings: float) -> np.ndarray:
    return Augmenter(AugmentConfig(**settings))(images, OLD, seed)


def test_every_probability_of_an_image_has_its_technique():
    defaults = AugmentConfig().model_dump()
    probabilities = {name for name, value in defaults.items() if value == 0}
    assert set(TECHNIQUES) == probabilities - OF_A_BATCH - {"flip_old"}


def test_probability_zero_leaves_images_alone(images):
    assert np.array_equal(augmented(images), images)


@pytest.mark.parametrize("name", sorted(set(TECHNIQUES) - {"rand_augment"}))
def test_probability_one_changes_every_image_and_not_its_source(images, name):
    source = images.copy()
    changed = augmented(images, **{name: 1})
    assert (changed != images).any(axis=(1, 2, 3)).all()
    assert (changed.shape, changed.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, source)


@pytest.mark.parametrize("name", sorted(TECHNIQUES))
def test_probability_of_a_half_changes_some_images(images, name):
    changed = (augmented(images, **{name: 0.5}) != images).any(axis=(1, 2, 3))
    assert 0 < changed.sum() < len(images)


def test_probability_is_the_share_of_changed_images():
    many = np.zeros((1000, 4, 4, 3), np.uint8)
    changed = Augmenter(AugmentConfig(noise=0.3))(many, np.zeros(1000, bool), seed=0)
    assert changed.any(axis=(1, 2, 3)).mean() == pytest.approx(0.3, abs=0.05)


def test_flips_mirror_left_and_right_or_top_and_bottom(images):
    assert np.array_equal(augmented(images, flip=1), images[:, :, ::-1])
    assert np.array_equal(augmented(images, vertical_flip=1), images[:, ::-1])


def test_flip_of_the_old_leaves_the_young_alone(images):
    changed = augmented(images, flip_old=1)
    assert np.array_equal(changed[OLD], images[OLD][:, :, ::-1])
    assert np.array_equal(changed[~OLD], images[~OLD])


def test_larger_flip_counts_for_the_old(images):
    assert np.array_equal(augmented(images, flip=1, flip_old=0.5), images[:, :, ::-1])


@pytest.mark.parametrize("least", [0.3, 0.8, 0.95])
def test_random_crop_keeps_at_least_its_scale_and_about_the_shape(least):
    ramp = np.zeros((200, 128, 96, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(96) * 2, np.arange(128)[:, None]
    crops = Augmenter(AugmentConfig(random_crop=1, crop_scale=least))(ramp, np.zeros(200, bool), 0)
    widths = (np.ptp(crops[..., 0], axis=(1, 2)) / 2 + 1) / 96
    heights = (np.ptp(crops[..., 1], axis=(1, 2)) + 1.0) / 128
    shares, aspects = widths * heights, widths / heights
    assert least - 0.02 < shares.min() < least + 0.1 * (1 - least) + 0.02
    assert (shares > 0.999).mean() < 0.1
    assert 0.73 < aspects.min() < 1 < aspects.max() < 1.37


@pytest.mark.parametrize("shift", [0.1, 0.2, 0.5])
def test_brightness_and_contrast_shift_by_up_to_their_setting(shift):
    shifted = augmented(flat(100, 100, 100), brightness_contrast=1, shift=shift).astype(float)
    most = shift * 255 + shift * 100
    assert 0.5 * most < np.abs(shifted - 100).max() <= most + 1


def test_colour_jitter_keeps_grey_grey_and_shifts_brightness_by_a_fifth():
    jittered = augmented(flat(100, 100, 100), colour_jitter=1)
    assert np.ptp(jittered, axis=3).max() == 0
    assert 80 <= jittered.min() < 90 < 110 < jittered.max() <= 120


@pytest.mark.parametrize(
    ("name", "most"), [("colour_jitter", JITTER_HUE), ("hls", HLS_SHIFTS[0] / 180)]
)
def test_hue_turns_by_up_to_a_small_part_of_its_circle(name, most):
    red = augmented(flat(200, 60, 60), **{name: 1})[:, 0, 0] / 255
    turns = [(colorsys.rgb_to_hsv(*colour)[0] + 0.5) % 1 - 0.5 for colour in red]
    assert 0.5 * most < np.abs(turns).max() < most + 0.01


def test_hue_of_120_degrees_turns_red_to_green_and_back_round_the_circle():
    red, shift = flat(255, 0, 0)[0], ShiftHls(HLS_SHIFTS)
    for turn, colour in ((60, (0, 255, 0)), (-60, (0, 0, 255)), (0, (255, 0, 0))):
        turned = shift.apply(red, shifts=(turn, 0, 0))[0, 0].tolist()
        assert turned == pytest.approx(colour, abs=1)


def test_lightness_and_saturation_stay_within_their_range():
    shift = ShiftHls(HLS_SHIFTS)
    assert shift.apply(flat(150, 150, 150)[0], shifts=(0, 50, 0))[0, 0].tolist() == [200] * 3
    assert shift.apply(flat(150, 150, 150)[0], shifts=(0, 120, 0))[0, 0].tolist() == [255] * 3
    assert shift.apply(flat(250, 0, 0)[0], shifts=(0, 0, -255))[0, 0].tolist() == [125] * 3


def test_blur_spreads_a_point_by_its_sigma():
    point = flat(0, 0, 0)
    point[:, 20, 16] = 255
    blurred = augmented(point, blur=1)[..., 0].astype(float)
    assert blurred.sum(axis=(1, 2)) == pytest.approx(255, abs=15)
    spread = (blurred.sum(axis=1) * (np.arange(WIDTH) - 16) ** 2).sum(axis=1) / 255
    assert 1 < spread.max() < 1.5**2


def test_noise_spreads_by_two_to_ten_percent_and_keeps_the_mean():
    noisy = augmented(flat(128, 128, 128), noise=1).astype(float)
    spread = noisy.std(axis=(1, 2, 3)) / 255
    assert 0.019 < spread.min() < 0.05 < 0.08 < spread.max() < 0.102
    assert noisy.mean() == pytest.approx(128, abs=0.5)


def test_sharpening_deepens_an_edge_and_leaves_flat_parts_alone():
    step = flat(100, 100, 100)
    step[:, :, 16:] = 120
    dark, bright = augmented(step, sharpen=1)[:, 20, 15:17, 0].astype(int).T
    # The kernel takes alpha * (3 * 120 + 5 * 100) from (1 + 8 * alpha) * 100.
    alphas = (100 - dark) / 60
    assert 0.5 - 0.01 <= alphas.min() < 0.7 < 0.8 < alphas.max() <= 1 + 0.01
    assert bright == pytest.approx(120 + 60 * alphas, abs=1)
    assert np.array_equal(augmented(flat(90, 90, 90), sharpen=1), flat(90, 90, 90))


def test_clahe_equalises_the_lightness_of_tiles_with_a_clip_limit_of_two():
    image = np.random.default_rng(0).integers(90, 150, (320, 256, 3), np.uint8)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(lab[..., 0])
    expected = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    for equal in Augmenter(AugmentConfig(clahe=1)).preprocess(np.stack([image] * 4)):
        assert np.array_equal(equal, expected)


def test_equalize_spreads_the_luma_over_its_whole_range(images):
    dim = images // 4 + 90
    luma = cv2.cvtColor(dim[0], cv2.COLOR_RGB2YCrCb)
    luma[..., 0] = cv2.equalizeHist(luma[..., 0])
    equal = augmented(dim, equalize=1)[0]
    assert np.array_equal(equal, cv2.cvtColor(luma, cv2.COLOR_YCrCb2RGB))
    assert np.ptp(cv2.cvtColor(equal, cv2.COLOR_RGB2GRAY)) > 230 > 2 * np.ptp(dim)


def test_canny_blends_a_third_of_white_edges_into_two_thirds_of_the_image():
    step = flat(30, 60, 90)
    step[:, :, 16:] += 150
    edged = augmented(step, canny=1)[0, 20]
    assert edged[5].tolist() == [20, 40, 60]
    assert edged[25].tolist() == [120, 140, 160]
    assert [20 + 85, 40 + 85, 60 + 85] in edged[14:18].tolist()


def test_greyscale_weighs_red_green_and_blue_as_luma_does():
    for colour, grey in (((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)):
        assert (augmented(flat(*colour), greyscale=1) == grey).all()


def test_rand_augment_does_what_torchvision_does(images):
    transform = RandAugment(magnitude=20, p=1)
    transform.set_random_state(np.random.default_rng(0), random.Random(5))
    changed = [transform(image=image)["image"] for image in images]
    seeds = random.Random(5)
    policy = v2.RandAugment(num_ops=2, magnitude=20, fill=list(MEAN_COLOUR))
    for image, found in zip(images, changed, strict=True):
        torch.manual_seed(seeds.getrandbits(63))
        assert np.array_equal(found, np.asarray(policy(Image.fromarray(image))))


def test_magnitude_strengthens_rand_augment():
    ramp = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8)[:, None], (COUNT, 40, 32, 3))
    weak, strong = (
        np.abs(augmented(ramp, rand_augment=1, magnitude=magnitude) - ramp.astype(float)).mean()
        for magnitude in (1, 30)
    )
    assert weak < 0.7 * strong


@pytest.mark.parametrize("shape", [(40, 32), (64, 16), (16, 64)])
@pytest.mark.parametrize("largest", [0.05, 0.1, 0.5])
def test_erasing_fills_one_rectangle_of_a_fifth_of_its_share_to_all_of_it(shape, largest):
    height, width = shape
    black = np.zeros((200, height, width, 3), np.uint8)
    config = AugmentConfig(erasing=1, erasing_share=largest)
    erased = Augmenter(config)(black, np.zeros(200, bool), 0)
    shares = erased.any(axis=3).mean(axis=(1, 2))
    rounding = 0.5 * (height + width) / (height * width)
    assert largest / 5 - rounding < shares.min() < largest * 0.3 + rounding
    assert largest * 0.9 - rounding < shares.max() < largest + rounding
    for image in erased:
        rows, columns = np.nonzero(image.any(axis=2))
        assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == len(rows)
        assert (image[rows, columns] == MEAN_COLOUR).all()


def test_erased_part_of_a_grey_image_is_grey():
    assert np.ptp(augmented(flat(9, 9, 9), erasing=1, greyscale=1), axis=3).max() == 0


@pytest.mark.parametrize("name", PREPROCESSING)
def test_predicted_images_share_what_changes_every_training_image(images, name):
    source = images.copy()
    seen = Augmenter(AugmentConfig(**{name: 1})).preprocess(images)
    assert np.array_equal(seen, augmented(images, **{name: 1}))
    assert not np.array_equal(seen, images)
    assert np.array_equal(images, source)


def test_predicted_images_go_through_training_s_order(images):
    all_of_them = dict.fromkeys(PREPROCESSING, 1)
    seen = Augmenter(AugmentConfig(**all_of_them)).preprocess(images)
    assert np.array_equal(seen, augmented(images, **all_of_them))


def test_predicted_images_stay_as_they_are_where_training_draws(images):
    drawn = dict.fromkeys(set(TECHNIQUES) - set(PREPROCESSING), 1.0)
    often = dict.fromkeys(PREPROCESSING, 0.99)
    assert Augmenter(AugmentConfig(**drawn, **often)).preprocess(images) is images


def test_same_seed_same_images_and_another_seed_others(images):
    first, again, other = (augmented(images, seed, **ALL_HALF) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_augmenter_that_was_used_and_sent_to_another_process_draws_the_same(images):
    augment = Augmenter(AugmentConfig(**ALL_HALF))
    first = augment(images, OLD, 1)
    sent = pickle.loads(pickle.dumps(augment))
    assert np.array_equal(sent(images, OLD, 1), first)


def test_images_of_another_size_keep_theirs(images):
    augment = Augmenter(AugmentConfig(random_crop=1, erasing=1))
    for part in (images, images[:, :24], images):
        assert augment(part, OLD, 0).shape == part.shape


def test_random_numbers_of_others_are_left_alone(images):
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    augmented(images, **dict.fromkeys(TECHNIQUES, 1))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]


def test_techniques_are_drawn_independently_of_one_another():
    dark_left = np.zeros((256, 8, 8, 3), np.uint8)
    dark_left[:, :, 4:] = (200, 150, 100)
    both = Augmenter(AugmentConfig(flip=0.5, greyscale=0.5))
    changed = both(dark_left, np.zeros(256, bool), seed=0)
    is_flipped = changed[:, 0, 0, 0] > 0
    is_grey = (changed[..., 0] == changed[..., 2]).all(axis=(1, 2))
    assert abs(np.corrcoef(is_flipped, is_grey)[0, 1]) < 0.3


def test_amounts_are_drawn_independently_of_one_another():
    grey = np.full((1, 16, 16, 3), 128, np.uint8)
    both = Augmenter(AugmentConfig(colour_jitter=1, noise=1))
    changed = np.concatenate([both(grey, np.zeros(1, bool), seed) for seed in range(200)])
    brightness, spread = changed.mean(axis=(1, 2, 3)), changed.std(axis=(1, 2, 3))
    assert abs(np.corrcoef(brightness, spread)[0, 1]) < 0.3


def test_copies_are_changed_at_least_half_the_time_and_otherwise_as_all_images():
    config = config_of_copies(AugmentConfig(noise=0.7, flip=0.1, erasing=0.2))
    probabilities = {name: getattr(config, name) for name in TECHNIQUES}
    often = {**dict.fromkeys(COPY_CHANGES, 0.5), "noise": 0.7, "erasing": 0.2}
    assert probabilities == {**dict.fromkeys(TECHNIQUES, 0.0), **often}
