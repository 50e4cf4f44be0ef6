"""A fold trains on its relabelled training side, and predicts each image by itself."""

import numpy as np
import pytest
import torch

from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.fold_fit import FoldFit, training_side
from trainable.folds import training_labels, training_rows
from trainable.heads import joint_probabilities


def first_fold(config: TrialConfig) -> FoldFit:
    data = load_data(config.data)
    return FoldFit(config, data, data.folds(config.cv)[0], 0)


def test_training_side_is_relabelled_and_leaves_ages_out(tiny):
    config = tiny.with_values({"train.age_cutoff": 57, "train.drop_below_30": 3})
    data = load_data(config.data)
    fold = data.folds(config.cv)[0]
    side = training_side(config, data, fold)
    assert np.array_equal(side.labels, training_labels(data.images, config.train))
    assert np.array_equal(side.rows, training_rows(data.images, fold, config.train))
    assert (side.labels != data.images["label"]).any()
    assert len(side.rows) < len(fold.train)


def test_training_side_knows_the_truly_old(tiny):
    config = tiny.with_values({"train.age_cutoff": 57})
    data = load_data(config.data)
    side = training_side(config, data, data.folds(config.cv)[0])
    assert set(data.images["age"][side.old]) == {60, 63, 70}


@pytest.mark.parametrize("heads", ["joint", "multi"])
def test_flipped_view_is_averaged_with_the_plain_one(tiny, heads):
    config = tiny.with_values({"model.heads": heads})
    pixels, rows = load_data(tiny.data).cache.pixels, np.arange(14)
    plain, mirrored = (
        first_fold(config).predict(images, rows) for images in (pixels, pixels[:, :, ::-1])
    )
    both = first_fold(config.with_values({"predict.flip": True})).predict(pixels, rows)
    assert both == pytest.approx((plain + mirrored) / 2, abs=1e-6)
    assert not np.array_equal(plain, mirrored)


def test_network_sees_normalized_images(tiny):
    fold, pixels = first_fold(tiny), load_data(tiny.data).cache.pixels
    share = torch.tensor(pixels[:3]).permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor([[0.548, 0.504, 0.479], [0.237, 0.247, 0.246]])[..., None, None]
    with torch.inference_mode():
        expected = joint_probabilities(fold.model.eval()((share - mean) / std), "joint")
    assert fold.predict(pixels, np.arange(3)) == pytest.approx(expected.numpy(), rel=1e-5)


def test_prediction_of_an_image_does_not_depend_on_its_neighbours(tiny):
    fold, pixels = first_fold(tiny), load_data(tiny.data).cache.pixels
    fold.train_epoch(0)
    alone = fold.predict(pixels, np.array([7]))
    assert alone == pytest.approx(fold.predict(pixels, np.arange(14))[7:8], abs=1e-6)


def test_long_predictions_are_those_of_their_parts(tiny):
    fold, pixels = first_fold(tiny), load_data(tiny.data).cache.pixels
    rows = np.arange(300) % 168
    whole = fold.predict(pixels, rows)
    assert whole[256:] == pytest.approx(fold.predict(pixels, rows[256:]), abs=1e-6)
