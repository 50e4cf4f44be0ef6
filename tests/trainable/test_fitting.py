"""A fit trains all folds together, is the same each time, and scores every person it predicts."""

import numpy as np
import pytest
import torch

from trainable.config import TrialConfig, UserError
from trainable.dataset import load_data
from trainable.fitting import Fit, check_trial
from trainable.fold_fit import DivergedError, FoldFit
from trainable.heads import joint_probabilities
from trainable.metrics import scores


def first_fold(config: TrialConfig) -> FoldFit:
    data = load_data(config.data)
    return FoldFit(config, data, data.folds(config.cv)[0], 0)


def test_same_configuration_gives_the_same_metrics_again(two_folds, trained):
    again = Fit(two_folds)
    for epoch in trained.epochs:
        repeated = again.step()
        assert repeated.metrics == epoch.metrics
        assert repeated.train_loss == epoch.train_loss


def test_loader_processes_change_no_number_even_with_dropout(tiny):
    config = tiny.with_values({"model.dropout": 0.5, "train.batch_size": 64})
    fits = [Fit(config.with_values({"machine.loaders": loaders})) for loaders in (0, 1)]
    losses = [[fit.step().train_loss for _ in range(2)] for fit in fits]
    assert losses[0] == losses[1]


def test_another_seed_gives_another_network(tiny):
    first, second = (
        Fit(tiny.with_values({"train.seed": seed})).step().train_loss for seed in (0, 1)
    )
    assert first != second


def test_training_learns(tiny):
    fit = Fit(tiny.with_values({"train.epochs": 4, "train.batch_size": 8, "optim.lr": 1e-2}))
    losses = [fit.step().train_loss for _ in range(4)]
    assert losses[-1] < 0.9 * losses[0]
    assert fit.finished


def test_folds_pool_the_predictions_of_all_persons(trained):
    fit = trained.recorded.fit
    assert sorted(fit.rows) == list(fit.data.images.index)
    labels = fit.data.images["label"].to_numpy()[fit.rows]
    assert trained.epochs[-1].metrics == scores(labels, fit.validation.argmax(axis=1))


def test_each_fold_predicts_its_own_validation_side(two_folds, trained):
    fit = trained.recorded.fit
    halves = np.split(fit.validation, [len(fit.data.folds(two_folds.cv)[0].validation)])
    for number, (fold, expected) in enumerate(
        zip(fit.data.folds(two_folds.cv), halves, strict=True)
    ):
        network = FoldFit(two_folds, fit.data, fold, number)
        network.model.load_state_dict(weights_of(fit, number))
        found = network.predict(fit.data.cache.pixels, fold.validation)
        assert np.array_equal(found, expected)


def weights_of(fit: Fit, number: int) -> dict[str, torch.Tensor]:
    start = f"{number}."
    items = fit.weights().items()
    return {name.removeprefix(start): value for name, value in items if name.startswith(start)}


def test_eval_images_are_predicted_by_the_mean_of_the_folds(two_folds, trained):
    fit = trained.recorded.fit
    pixels, rows = fit.data.eval_cache.pixels, np.arange(len(fit.data.eval_images))
    predictions = []
    for number, fold in enumerate(fit.data.folds(two_folds.cv)):
        network = FoldFit(two_folds, fit.data, fold, number)
        network.model.load_state_dict(weights_of(fit, number))
        predictions.append(network.predict(pixels, rows))
    expected = np.mean(predictions, axis=0).astype(np.float16)
    assert np.array_equal(fit.eval_probabilities().values, expected)
    assert not np.array_equal(predictions[0], predictions[1])


def test_weights_that_are_taken_predict_the_same(two_folds, trained):
    fresh, fit = Fit(two_folds), trained.recorded.fit
    before = fresh.eval_probabilities().values
    fresh.load_weights(fit.weights())
    assert np.array_equal(fresh.eval_probabilities().values, fit.eval_probabilities().values)
    assert not np.array_equal(before, fit.eval_probabilities().values)


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
    assert fold.predict(pixels, np.arange(3)) == pytest.approx(expected.numpy(), abs=1e-5)


def test_long_predictions_are_those_of_their_parts(tiny):
    fold, pixels = first_fold(tiny), load_data(tiny.data).cache.pixels
    rows = np.arange(300) % 168
    whole = fold.predict(pixels, rows)
    assert whole[256:] == pytest.approx(fold.predict(pixels, rows[256:]), abs=1e-6)


def test_lost_loss_names_the_learning_rate(tiny):
    with pytest.raises(DivergedError, match=r"step \d+ of epoch 1 \(optim.lr=1e\+30\)"):
        Fit(tiny.with_values({"optim.lr": 1e30})).step()


def test_network_that_breaks_at_the_last_step_of_an_epoch_is_lost(tiny):
    with pytest.raises(DivergedError):
        Fit(tiny.with_values({"optim.lr": 1e30, "train.batch_size": 128})).step()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"model.backbone": "resnet_18"}, "unknown backbone"),
        ({"model.pretrained": True}, "cannot be had here"),
        ({"data.root": "nowhere"}, "data.root=nowhere: there is no such folder"),
        ({"cv.folds": 5}, "lower cv.folds"),
    ],
)
def test_trial_is_checked_before_it_is_started(tiny, values, complaint):
    with pytest.raises(UserError, match=complaint):
        check_trial(tiny.with_values(values))


def test_backbone_that_does_not_take_the_image_size_is_refused(tiny):
    config = tiny.with_values({"model.backbone": "vit_tiny_patch16_224"})
    with pytest.raises(UserError, match="224"):
        check_trial(config)


@pytest.mark.parametrize(
    "values",
    [
        {"loss.name": "focal", "loss.class_weights": "inverse", "loss.smoothing": 0.1},
        {"loss.name": "f1", "loss.mix.cross_entropy": 0.5, "model.heads": "multi"},
        {"train.sampler": "balanced", "train.age_cutoff": 57, "train.drop_below_30": 3},
        {"data.image_height": 48, "data.image_width": 32, "optim.schedule": "step"},
    ],
)
def test_settings_train_together(tiny, values):
    assert np.isfinite(Fit(tiny.with_values(values)).step().train_loss)
