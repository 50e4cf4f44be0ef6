"""Batches follow from seed, fold, epoch and number, and see the training side alone."""

import numpy as np
import pytest
import torch

from trainable.batches import (
    Batch,
    TrainingBatches,
    TrainingSide,
    epoch_order,
    make_loader,
)
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.device import Device
from trainable.fold_fit import training_side

ROWS = 66
EVERYTHING = {
    "augment.flip": 0.5,
    "augment.brightness_contrast": 0.5,
    "augment.blur": 0.5,
    "augment.erasing": 0.5,
    "augment.greyscale": 0.5,
    "augment.horizontal_cutmix": 0.5,
}


@pytest.fixture(scope="module")
def numbered() -> TrainingSide:
    """Images whose pixels all hold their row; the even rows are trained on, three classes."""
    pixels = np.broadcast_to(np.arange(ROWS, dtype=np.uint8)[:, None, None, None], (ROWS, 4, 4, 3))
    labels = np.arange(ROWS) // 2 % 3
    return TrainingSide(pixels, labels, np.zeros(ROWS, bool), np.arange(0, ROWS, 2))


def batches_of(side: TrainingSide, fold: int = 0, **values: bool | float | str) -> TrainingBatches:
    paths = {name.replace("__", "."): value for name, value in values.items()}
    return TrainingBatches(side, TrialConfig().with_values({"train.batch_size": 8, **paths}), fold)


def epoch_of(batches: TrainingBatches, epoch: int = 0) -> list[Batch]:
    return [batches[epoch, batch] for batch in range(batches.batch_count)]


def rows_in(epoch: list[Batch]) -> list[int]:
    return torch.cat([images[:, 0, 0, 0] for images, _ in epoch]).tolist()


def same(first: list[Batch], second: list[Batch]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in pairs)


def test_shuffled_epoch_sees_each_training_image_once(numbered):
    batches = batches_of(numbered, train__batch_size=11)
    assert sorted(rows_in(epoch_of(batches))) == numbered.rows.tolist()
    assert rows_in(epoch_of(batches)) != numbered.rows.tolist()


def test_batch_is_channels_first_bytes_with_their_labels(numbered):
    for images, labels in epoch_of(batches_of(numbered)):
        assert images.shape[1:] == (3, 4, 4)
        assert images.dtype == torch.uint8
        assert labels.tolist() == (images[:, 0, 0, 0] // 2 % 3).tolist()


@pytest.mark.parametrize(
    ("size", "lengths"), [(8, [8, 8, 8, 8]), (16, [16, 16]), (20, [20, 13]), (64, [33])]
)
def test_no_batch_holds_a_single_image(numbered, size, lengths):
    epoch = epoch_of(batches_of(numbered, train__batch_size=size))
    assert [len(labels) for _, labels in epoch] == lengths


def test_same_seed_and_epoch_give_the_same_batches(tiny):
    config = tiny.with_values(EVERYTHING)
    data = load_data(config.data)
    side = training_side(config, data, data.folds(config.cv)[0])
    first, again = (epoch_of(TrainingBatches(side, config, 0), epoch=3) for _ in range(2))
    assert same(first, again)


def test_batch_does_not_depend_on_those_before_it(numbered):
    batches = batches_of(numbered, augment__horizontal_cutmix=0.5)
    assert same([batches[1, 2]], [epoch_of(batches, epoch=1)[2]])


def test_another_epoch_seed_or_fold_gives_other_batches(numbered):
    first = epoch_of(batches_of(numbered))
    assert not same(first, epoch_of(batches_of(numbered), epoch=1))
    assert not same(first, epoch_of(batches_of(numbered, train__seed=1)))
    assert not same(first, epoch_of(batches_of(numbered, fold=1)))


def test_cutmix_takes_the_right_half_from_the_same_class_and_side(numbered):
    partners = set()
    for images, labels in epoch_of(batches_of(numbered, augment__horizontal_cutmix=1)):
        left, right = images[:, 0, 0, 0], images[:, 0, 0, 3]
        assert torch.equal(images[:, 0, :, :2], left[:, None, None].expand(-1, 4, 2))
        assert torch.equal(left // 2 % 3, labels)
        assert torch.equal(right // 2 % 3, labels)
        partners |= set(right.tolist())
    assert len(partners) > 10
    assert partners <= set(numbered.rows.tolist())


def test_cutmix_goes_by_the_label_that_is_trained(numbered):
    relabelled = TrainingSide(
        numbered.pixels, np.arange(ROWS) % 4 // 2, numbered.old, numbered.rows
    )
    for images, labels in epoch_of(batches_of(relabelled, augment__horizontal_cutmix=1)):
        assert torch.equal(images[:, 0, 0, 3] % 4 // 2, labels)


def test_cutmix_with_probability_of_a_half_joins_some(numbered):
    epoch = epoch_of(batches_of(numbered, augment__horizontal_cutmix=0.5))
    joined = torch.cat([images[:, 0, 0, 0] != images[:, 0, 0, 3] for images, _ in epoch])
    assert 5 < joined.sum() < 28


def test_balanced_sampler_draws_rare_classes_as_often():
    rows, labels = np.arange(1000), (np.arange(1000) % 10 == 0).astype(int)
    side = TrainingSide(np.zeros((0, 4, 4, 3), np.uint8), labels, np.zeros(1000, bool), rows)
    drawn = epoch_order(side, "balanced", np.random.default_rng(0))
    assert len(drawn) == 1000
    assert 0.45 < labels[drawn].mean() < 0.55


def test_balanced_sampler_draws_from_the_training_side_alone(numbered):
    drawn = epoch_order(numbered, "balanced", np.random.default_rng(0))
    assert set(drawn) <= set(numbered.rows)


@pytest.mark.timeout(60)
def test_loader_processes_give_the_same_batches_as_none(tiny):
    config = tiny.with_values(EVERYTHING)
    data = load_data(config.data)
    side = training_side(config, data, data.folds(config.cv)[0])
    given = []
    for loaders in (0, 1):
        loader, sampler = make_loader(
            TrainingBatches(side, config, 0), loaders, Device("cpu", "float32")
        )
        for epoch in (0, 1):
            sampler.epoch = epoch
            given.append([(images.clone(), labels.clone()) for images, labels in loader])
    assert same(given[0], given[2])
    assert same(given[1], given[3])
