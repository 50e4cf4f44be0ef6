"""The first batch that is shown is the one that the network is given, with what it is taught."""

import numpy as np
import pytest
import torch

from trainable.dataset import load_data
from trainable.first_batch import first_batch, label_texts
from trainable.fold_fit import FoldFit
from trainable.labels import CLASS_NAMES
from trainable.sections.network import ModelConfig


def test_the_first_batch_shows_training_images_with_their_labels(tiny):
    data = load_data(tiny.data)
    images, targets = first_batch(tiny, data)
    assert images.shape == (16, 32, 32, 3)
    held_back = set(data.folds(tiny.cv)[0].validation)
    texts = label_texts(targets, tiny.model)
    for image, text in zip(images, texts, strict=True):
        [row] = np.flatnonzero((data.cache.pixels == image).all(axis=(1, 2, 3)))
        assert text == CLASS_NAMES[data.images["label"].iloc[row]]
        assert row not in held_back


def test_the_first_batch_is_augmented_as_the_settings_say(tiny):
    data = load_data(tiny.data)
    plain, _ = first_batch(tiny, data)
    flipped, _ = first_batch(tiny.with_values({"augment.flip": 1.0}), data)
    assert (flipped == plain[:, :, ::-1]).all()


def test_the_first_batch_is_what_the_network_is_given_first(tiny):
    changes = {"augment.flip": 0.5, "augment.blur": 0.5, "augment.cutmix": 1.0}
    config = tiny.with_values({**changes, "data.normalization": "none"})
    data = load_data(config.data)
    fit = FoldFit(config, data, data.folds(config.cv)[0], 0)
    given = []
    fit.model.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].clone()))
    fit.train_epoch(0)
    images, _ = first_batch(config, data)
    np.testing.assert_allclose(given[0].permute(0, 2, 3, 1) * 255, images, atol=1e-3)


def test_a_label_is_what_the_image_is_trained_as(tiny):
    config = tiny.with_values(
        {"train.age_cutoff": 57, "train.batch_size": 64, "model.heads": "age"}
    )
    data = load_data(tiny.data)
    images, targets = first_batch(config, data)
    ages = [
        data.images["age"][(data.cache.pixels == image).all(axis=(1, 2, 3))].item()
        for image in images
    ]
    expected = ["<30" if age < 30 else "30-59" if age < 57 else ">=60" for age in ages]
    assert label_texts(targets, config.model) == expected


def test_a_mixed_label_has_shares_and_the_largest_first():
    targets = torch.zeros(2, 18 + 60)
    targets[0, 4] = 1
    targets[1, 0], targets[1, 17] = 0.25, 0.75
    targets[:, 18:] = 1 / 60
    assert label_texts(targets, ModelConfig(heads="multi")) == [
        "worn, female, 30-59",
        "0.75 not worn, female, >=60\n0.25 worn, male, <30",
    ]
    assert label_texts(targets, ModelConfig(heads="gender")) == [
        "female",
        "0.75 female\n0.25 male",
    ]


@pytest.mark.parametrize("share", [0.0, 0.004])
def test_a_share_that_would_be_written_as_zero_is_left_out(share):
    targets = torch.zeros(1, 18)
    targets[0, 1], targets[0, 2] = 1 - share, share
    assert label_texts(targets, ModelConfig()) == ["worn, male, 30-59"]
