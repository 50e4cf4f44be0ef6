"""A fit trains all folds together, is the same each time, and scores every person it predicts."""

import numpy as np
import pytest
import torch

from trainable.config import TrialConfig
from trainable.fitting import Fit
from trainable.fold_fit import DivergedError, FoldFit
from trainable.labels import TASKS
from trainable.metric_names import METRICS
from trainable.metrics import scores
from trainable.settings import Value
from trainable.voting import hard_vote


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


def test_rate_falls_over_all_epochs_and_not_within_each(two_folds, trained):
    expected = [two_folds.optim.lr / 2, 0]
    assert [epoch.lr for epoch in trained.epochs] == pytest.approx(expected, abs=1e-9)


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
        network.load_weights(weights_of(fit, number))
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
        network.load_weights(weights_of(fit, number))
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


def test_lost_loss_names_the_learning_rate(tiny):
    with pytest.raises(DivergedError, match=r"step \d+ of epoch 1 \(optim.lr=1e\+30\)"):
        Fit(tiny.with_values({"optim.lr": 1e30})).step()


def test_network_that_breaks_at_the_last_step_of_an_epoch_is_lost(tiny):
    with pytest.raises(DivergedError):
        Fit(tiny.with_values({"optim.lr": 1e30, "train.batch_size": 128})).step()


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


PER_TASK = {task: {"model.heads": task} for task in ("mask", "gender", "age")}


def with_members(config: TrialConfig, vote: str, **members: dict[str, Value]) -> TrialConfig:
    tree = config.model_dump()
    tree["members"] = {"settings": members, "vote": vote}
    return TrialConfig.model_validate(tree)


def test_members_train_as_they_would_alone_and_vote(tiny):
    centre = {"data.crop": "center"}
    fit = Fit(with_members(tiny, "hard", whole={}, centre=centre))
    epoch = fit.step()
    alone = [Fit(tiny.with_values(values)) for values in ({}, centre)]
    scored = [one.step().metrics for one in alone]
    assert epoch.members == dict(zip(("whole", "centre"), scored, strict=True))
    expected = hard_vote(np.stack([one.validation for one in alone]), [TASKS, TASKS])
    assert np.array_equal(fit.validation, expected)


def test_networks_for_one_task_each_answer_all_tasks_together(tiny):
    fit = Fit(with_members(tiny, "task", **PER_TASK))
    epoch = fit.step()
    assert set(METRICS) == set(epoch.metrics)
    for task, metrics in epoch.members.items():
        assert metrics == {name: epoch.metrics[name] for name in (f"{task}_f1", f"{task}_accuracy")}
    assert np.allclose(fit.eval_probabilities().values.sum(axis=1), 1, atol=1e-2)


def test_weights_of_members_are_put_back_into_the_right_ones(tiny):
    config = with_members(tiny, "task", **PER_TASK)
    fit, fresh = Fit(config), Fit(config.with_values({"train.seed": 1}))
    fit.step()
    fresh.load_weights(fit.weights())
    assert np.array_equal(fresh.eval_probabilities().values, fit.eval_probabilities().values)
    assert {name.partition(".")[0] for name in fit.weights()} == {"mask/0", "gender/0", "age/0"}


def test_a_paused_trial_of_several_members_goes_on_as_it_was(tiny):
    config = with_members(tiny, "task", **PER_TASK)
    unbroken, paused, resumed = Fit(config), Fit(config), Fit(config)
    unbroken.step()
    paused.step()
    resumed.load_state_dict(paused.state_dict())
    assert resumed.step().metrics == unbroken.step().metrics


def test_network_for_one_task_is_scored_by_that_task(tiny):
    epoch = Fit(tiny.with_values({"model.heads": "age"})).step()
    assert set(epoch.metrics) == {"age_f1", "age_accuracy"}
    assert epoch.score == epoch.metrics["age_f1"]


def test_training_on_all_persons_holds_nobody_back(tiny):
    fit = Fit(tiny.with_values({"cv.folds": 0}))
    fit.train_epoch()
    assert fit.epoch == 1
    assert len(fit.rows) == 0
    assert fit.eval_probabilities().values.shape == (len(fit.data.eval_images), 18)


@pytest.mark.parametrize("vote", ["hard", "task"])
def test_a_lone_network_is_not_voted_on(tiny, vote):
    members = with_members(tiny, vote, whole={}, centre={"data.crop": "center"})
    alone, plain = Fit(members.with_values({"members.use": "none"})), Fit(tiny)
    assert alone.step().metrics == plain.step().metrics
    assert np.array_equal(alone.validation, plain.validation)
