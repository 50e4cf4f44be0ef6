"""Images are embedded by one network that has seen none of their persons, while it predicts."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from trainable.config import ModelConfig, TrialConfig
from trainable.dataset import load_data
from trainable.embedding import embedding_member, features_kept
from trainable.experiment import Asked, start_experiment
from trainable.fitting import Fit
from trainable.fold_fit import FoldFit
from trainable.model import make_model
from trainable.predict import predict_eval
from trainable.recorded import write_weights
from trainable.settings import UserError
from trainable.store import create_experiment
from trainable.trial_folder import OF_EVAL, TrialFolder

KINDS = {
    "mobilenetv3_small_050": 64,
    "test_vit": 160,
    "test_convnext": 64,
    "resnetv2_50x1_bit": 64,
}
"""Backbone -> pixels that it takes; their heads are linear and convolutional."""


def with_members(config: TrialConfig, **members: dict) -> TrialConfig:
    tree = config.model_dump()
    tree["members"] = {"settings": members, "vote": "task"}
    return TrialConfig.model_validate(tree)


@pytest.mark.parametrize("hidden", [0, 8])
@pytest.mark.parametrize(("backbone", "size"), KINDS.items())
def test_features_are_those_that_timm_gives_before_the_head(backbone, size, hidden):
    model = make_model(ModelConfig(backbone=backbone, hidden=hidden)).eval()
    images = torch.rand(2, 3, size, size)
    with torch.inference_mode(), features_kept(model, 1) as parts:
        model(images)
        expected = model.forward_head(model.forward_features(images), pre_logits=True)
    [found] = parts
    assert found.dtype == np.float16
    assert found == pytest.approx(functional.normalize(expected).numpy(), abs=1e-3)


def test_a_distilled_network_is_embedded_once():
    model = make_model(ModelConfig(backbone="deit_tiny_distilled_patch16_224")).eval()
    images = torch.rand(2, 3, 224, 224)
    with torch.inference_mode(), features_kept(model, 1) as parts:
        model(images)
        class_token = model.forward_features(images)[:, 0]
    [found] = parts
    assert found == pytest.approx(functional.normalize(class_token).numpy(), abs=1e-3)


def test_nothing_is_kept_of_what_is_predicted_afterwards():
    model = make_model(ModelConfig()).eval()
    with torch.inference_mode():
        with features_kept(model, 1) as parts:
            pass
        model(torch.rand(2, 3, 32, 32))
    assert parts == []


@pytest.mark.parametrize("crops", [1, 5])
def test_of_several_views_the_first_is_embedded(tiny, crops):
    data = load_data(tiny.data)
    fold, found = data.folds(tiny.cv)[0], []
    for flip in (False, True):
        config = tiny.with_values({"predict.flip": flip, "predict.crops": crops})
        fit = FoldFit(config, data, fold, 0)
        with fit.features_kept() as parts:
            fit.predict(data.cache.pixels, np.arange(150))
        found.append(np.concatenate(parts))
    assert found[0].shape == (150, 1024)
    assert np.array_equal(*found)


def test_predictions_do_not_change_when_they_are_embedded(trained):
    fit = trained.recorded.fit
    expected, found = fit.eval_probabilities(), fit.predict_and_embed().probabilities
    assert np.array_equal(found.values, expected.values)


@pytest.fixture
def stored(two_folds, trained, tmp_path) -> TrialFolder:
    """A trial of two folds whose eval images are predicted."""
    experiment = create_experiment(tmp_path / "runs", "faces")
    start_experiment(experiment, Asked("?", "fit", [], {}, {}), [load_data(two_folds.data)])
    folder = experiment.trial("trial-001")
    folder.write_record(trained.folder.read().record)
    write_weights(trained.recorded.fit, folder.weights_file)
    predict_eval(folder)
    return folder


def test_images_are_embedded_by_the_first_folds_network_which_saw_none_of_them(stored, two_folds):
    data = load_data(two_folds.data)
    first = data.folds(two_folds.cv)[0]
    of_validation, of_eval = stored.read_validation_embeddings(), stored.read_eval_embeddings()
    assert np.array_equal(of_validation.rows, first.validation)
    assert np.array_equal(of_eval.rows, np.arange(len(data.eval_images)))
    assert of_validation.values.shape == (len(first.validation), 1024)
    assert of_eval.values.shape == (len(data.eval_images), 1024)
    lengths = np.linalg.norm(of_eval.values.astype(np.float32), axis=1)
    assert lengths == pytest.approx(1, abs=1e-3)


def test_folds_in_turn_embed_as_folds_beside_each_other(stored, two_folds):
    beside = Fit(two_folds)
    in_turn = Fit(two_folds.with_values({"cv.fidelity": "folds"}))
    for fit in (beside, in_turn):
        fit.load_weights(beside.weights())
    found, expected = in_turn.predict_and_embed(), beside.predict_and_embed()
    assert np.array_equal(found.of_eval.values, expected.of_eval.values)
    assert np.array_equal(found.of_validation.values, expected.of_validation.values)
    assert np.array_equal(found.probabilities.values, expected.probabilities.values)


def test_embeddings_go_when_their_epoch_is_the_best_no_longer(stored):
    assert all((stored.path / name).exists() for name in OF_EVAL)
    stored.discard_eval()
    with pytest.raises(UserError, match=r"has no embeddings; make them with: python -m trainable"):
        stored.read_eval_embeddings()
    with pytest.raises(UserError, match=r"has no embeddings; make them with: python -m trainable"):
        stored.read_validation_embeddings()


def test_of_several_members_the_first_that_tells_people_apart_embeds(tiny):
    mask, age = {"model.heads": "mask"}, {"model.heads": "age"}
    assert embedding_member(tiny) == ""
    assert embedding_member(with_members(tiny, a=mask, b=age, c={"model.heads": "gender"})) == "b"
    assert embedding_member(with_members(tiny, a=mask, b={})) == "b"
    assert embedding_member(with_members(tiny, a=mask, b=mask)) == "a"
    alone = with_members(tiny, a=mask, b=age).with_values({"members.use": "a"})
    assert embedding_member(alone) == ""


def test_a_member_embeds_as_it_would_alone(tiny):
    members = with_members(tiny, a={"model.heads": "mask"}, b={"model.heads": "gender"})
    found = Fit(members).predict_and_embed().of_eval
    alone = Fit(tiny.with_values({"model.heads": "gender"})).predict_and_embed().of_eval
    assert np.array_equal(found.values, alone.values)
