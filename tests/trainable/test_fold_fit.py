"""A fold trains on its relabelled training side, and predicts each image by itself."""

import cv2
import numpy as np
import pytest
import torch

from trainable.checkpoint import load_state, save_state
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.fold_fit import FoldFit
from trainable.folds import training_labels, training_rows
from trainable.heads import joint_probabilities
from trainable.sampling import training_side
from trainable.settings import UserError
from trainable.views import views_of


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


def test_training_side_knows_true_ages_and_persons(tiny):
    config = tiny.with_values({"train.age_cutoff": 57})
    data = load_data(config.data)
    side = training_side(config, data, data.folds(config.cv)[0])
    assert np.array_equal(side.ages, data.training_images["age"])
    pairs = set(zip(data.training_images["person"], side.persons.tolist(), strict=True))
    assert len(pairs) == 24 == len(set(side.persons))


def test_age_distribution_adds_years_to_the_targets(tiny):
    values = {"model.heads": "age", "model.age_head": "distribution", "loss.age_spread": 2}
    data = load_data(tiny.data)
    side = training_side(tiny.with_values(values), data, data.folds(tiny.cv)[0])
    assert side.targets.shape == (168, 18 + 60)
    years = torch.arange(15, 75).double()
    assert (side.targets[:, 18:].double() @ years).numpy() == pytest.approx(
        side.ages.clip(20, 69), abs=1.5
    )


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


@pytest.mark.parametrize("flip", [False, True])
def test_views_of_an_image_are_averaged(tiny, flip):
    config = tiny.with_values({"predict.crops": 5, "predict.flip": flip})
    pixels, rows = load_data(tiny.data).cache.pixels, np.arange(7)
    images = torch.from_numpy(pixels[rows]).permute(0, 3, 1, 2)
    plain = first_fold(tiny)
    views = [
        plain.predict(view.permute(0, 2, 3, 1).numpy(), rows)
        for view in views_of(images, config.predict)
    ]
    assert len(views) == (10 if flip else 5)
    found = first_fold(config).predict(pixels, rows)
    assert found == pytest.approx(np.mean(views, axis=0), abs=1e-6)


def test_predicted_images_are_preprocessed_as_training_images_are(tiny):
    config = tiny.with_values({"augment.greyscale": 1})
    pixels, rows = load_data(tiny.data).cache.pixels, np.arange(7)
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in pixels[rows]])
    expected = first_fold(tiny).predict(np.repeat(grey[..., None], 3, axis=3), rows)
    assert first_fold(config).predict(pixels, rows) == pytest.approx(expected, abs=1e-6)
    assert first_fold(tiny).predict(pixels, rows) != pytest.approx(expected, abs=1e-5)


def test_sharpness_aware_fold_refuses_float16(tiny):
    values = {"optim.sam_rho": 0.05, "machine.precision": "float16"}
    with pytest.raises(UserError, match=r"machine.precision=float16 .* optim.sam_rho=0.05"):
        first_fold(tiny.with_values(values))


@pytest.mark.parametrize("decay", [0, 0.5])
def test_weights_that_are_kept_are_those_that_predict(tiny, decay):
    config = tiny.with_values({"optim.ema_decay": decay})
    trained, fresh = first_fold(config), first_fold(tiny)
    trained.train_epoch(0)
    pixels, rows = load_data(tiny.data).cache.pixels, np.arange(14)
    fresh.load_weights(trained.weights())
    assert np.array_equal(fresh.predict(pixels, rows), trained.predict(pixels, rows))
    fresh.load_weights(trained.model.state_dict())
    same = np.array_equal(fresh.predict(pixels, rows), trained.predict(pixels, rows))
    assert same is (decay == 0)


def test_averaging_and_predicting_change_no_step(tiny):
    config = tiny.with_values({"model.dropout": 0.5})
    plain, averaged = first_fold(config), first_fold(config.with_values({"optim.ema_decay": 0.9}))
    pixels = load_data(tiny.data).cache.pixels
    for epoch in range(2):
        assert plain.train_epoch(epoch).loss == averaged.train_epoch(epoch).loss
        averaged.predict(pixels, np.arange(7))


@pytest.mark.parametrize(
    "values",
    [
        {"optim.sam_rho": 0.05, "optim.name": "madgrad", "model.dropout": 0.5},
        {"optim.ema_decay": 0.9, "optim.accumulate": 2, "optim.name": "lamb"},
        {"optim.freeze_epochs": 1, "optim.name": "sgd", "optim.schedule": "one_cycle"},
        {
            "optim.freeze_epochs": 2,
            "optim.sam_rho": 0.05,
            "optim.ema_decay": 0.9,
            "model.hidden": 8,
        },
        {"optim.layer_decay": 0.7, "optim.name": "adamp", "optim.clip_norm": 0.5},
        {"optim.accumulate": 2, "optim.clip_norm": 1},
        {"optim.schedule": "one_cycle", "optim.warmup_epochs": 1, "optim.layer_decay": 0.9},
        {"optim.schedule": "one_cycle", "optim.sam_rho": 0.05, "optim.name": "rmsprop"},
        {"loss.weighting": "uncertainty", "model.heads": "multi", "optim.sam_rho": 0.05},
        {"optim.name": "nadamw", "optim.schedule": "step", "optim.step_epochs": 1},
    ],
    ids=str,
)
def test_fold_that_pauses_after_each_epoch_gives_the_same_digits(tiny, tmp_path, values):
    config = tiny.with_values({"train.epochs": 3, "train.batch_size": 42, **values})
    pixels, rows = load_data(tiny.data).cache.pixels, np.arange(7)
    unbroken, paused = first_fold(config), first_fold(config)
    for epoch in range(3):
        expected, found = unbroken.train_epoch(epoch), paused.train_epoch(epoch)
        assert (found.loss, found.lr) == (expected.loss, expected.lr)
        save_state(paused.state_dict(), tmp_path / "state")
        paused = first_fold(config)
        paused.load_state_dict(load_state(tmp_path / "state"))
        assert np.array_equal(paused.predict(pixels, rows), unbroken.predict(pixels, rows))


def test_network_sees_normalized_images(tiny):
    fold, pixels = first_fold(tiny), load_data(tiny.data).cache.pixels
    share = torch.tensor(pixels[:3]).permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor([[0.548, 0.504, 0.479], [0.237, 0.247, 0.246]])[..., None, None]
    with torch.inference_mode():
        outputs = fold.model.eval()((share - mean) / std)
        expected = joint_probabilities(outputs, tiny.model, 60)
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
