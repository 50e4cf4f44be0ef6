"""Mixing shares targets as it shares images, and leaves other random numbers alone."""

import numpy as np
import pytest
import torch

from trainable.config import AugmentConfig
from trainable.mixing import Batch, cut_mix, join_halves, mix_batch, mix_up

LEVELS = torch.tensor([0, 40, 80, 120, 160, 200, 240, 250], dtype=torch.uint8)
SIZE = len(LEVELS)


def flat_batch() -> Batch:
    """Return images that are flat and of different levels, each a class of its own."""
    images = LEVELS[:, None, None, None].expand(SIZE, 20, 16, 3).clone().permute(0, 3, 1, 2)
    return images, torch.eye(SIZE)


def mixed(seed: int = 0, **settings: float) -> Batch:
    return mix_batch(flat_batch(), AugmentConfig(**settings), np.random.default_rng(seed))


def is_mixed(batch: Batch) -> bool:
    return not torch.equal(batch[1], torch.eye(SIZE))


def test_joined_image_has_a_left_and_a_right_half_of_two():
    left, right = np.random.default_rng(0).integers(0, 256, (2, 6, 9, 3), np.uint8)
    joined = join_halves(left, right)
    assert np.array_equal(joined[:, :4], left[:, :4])
    assert np.array_equal(joined[:, 4:], right[:, 4:])


@pytest.mark.parametrize("seed", range(5))
def test_cutmix_shares_targets_as_it_shares_the_area(seed):
    images, targets = mixed(seed, cutmix=1)
    for i in range(SIZE):
        own, other = LEVELS[i], LEVELS[i - 1]
        assert ((images[i] == own) | (images[i] == other)).all()
        assert targets[i, i] == pytest.approx((images[i] == own).float().mean().item())
        assert targets[i, i - 1] == pytest.approx((images[i] == other).float().mean().item())


def test_cutmix_exchanges_one_rectangle():
    images, _ = mixed(1, cutmix=1)
    rows, columns = torch.nonzero(images[3, 0] == LEVELS[2], as_tuple=True)
    height, width = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
    assert height * width == len(rows) > 0


@pytest.mark.parametrize("seed", range(5))
def test_mixup_averages_images_with_the_weights_of_the_targets(seed):
    images, targets = mixed(seed, mixup=1)
    weights = targets[0, 0]
    expected = weights * LEVELS + (1 - weights) * LEVELS.roll(1)
    assert images.dtype == torch.uint8
    assert torch.equal(images[:, 0, 0, 0], expected.round().to(torch.uint8))
    assert torch.equal(images, images[:, :1, :1, :1].expand_as(images))


@pytest.mark.parametrize("mix", [cut_mix, mix_up])
def test_all_columns_of_a_target_are_mixed_by_the_same_share(mix):
    images, classes = flat_batch()
    years = torch.rand(SIZE, 60, generator=torch.Generator().manual_seed(0))
    _, targets = mix((images, torch.cat([classes, years], dim=1)), alpha=1.0)
    share = targets[0, 0]
    assert torch.allclose(targets[:, SIZE:], share * years + (1 - share) * years.roll(1, 0))
    assert torch.allclose(targets.sum(0), torch.cat([classes, years], dim=1).sum(0))


def test_large_alpha_mixes_halves_and_a_small_one_next_to_nothing():
    shares = {
        alpha: np.array([mixed(s, mixup=1, mix_alpha=alpha)[1][0, 0] for s in range(40)])
        for alpha in (0.01, 10.0)
    }
    assert np.abs(shares[10.0] - 0.5).mean() < 0.15
    assert np.minimum(shares[0.01], 1 - shares[0.01]).mean() < 0.02


def test_probabilities_are_the_shares_of_mixed_batches():
    kinds = {"cut": 0, "averaged": 0, "left alone": 0}
    for seed in range(300):
        images, targets = mixed(seed, cutmix=0.2, mixup=0.5)
        if not is_mixed((images, targets)):
            kinds["left alone"] += 1
        else:
            kinds["cut" if torch.isin(images, LEVELS).all() else "averaged"] += 1
    assert [count / 300 for count in kinds.values()] == pytest.approx([0.2, 0.5, 0.3], abs=0.08)


def test_both_probabilities_zero_give_the_batch_itself():
    batch = flat_batch()
    assert mix_batch(batch, AugmentConfig(), np.random.default_rng(0)) is batch


@pytest.mark.parametrize("settings", [{"cutmix": 1}, {"mixup": 1}])
def test_same_seed_same_mixture_and_another_seed_another(settings):
    first, again, other = (mixed(seed, **settings) for seed in (0, 0, 1))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


@pytest.mark.parametrize("settings", [{"cutmix": 1}, {"mixup": 1}])
def test_random_numbers_of_torch_are_left_alone(settings):
    before = torch.get_rng_state()
    assert is_mixed(mixed(**settings))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("settings", [{"cutmix": 1}, {"mixup": 1}])
def test_mixed_images_stay_channels_last(settings):
    images, _ = mixed(**settings)
    assert images.is_contiguous(memory_format=torch.channels_last)
