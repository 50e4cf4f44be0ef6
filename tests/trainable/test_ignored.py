"""A typed setting that changes nothing is pointed out, with what it lacks."""

import pytest

from trainable.config import TrialConfig
from trainable.ignored import CONDITIONS, ignored_settings, named_settings
from trainable.settings import setting_paths

YEARS = {"model.heads": "multi", "model.age_head": "distribution"}
ONLY_YEARS = {**YEARS, "model.heads": "age", "loss.age_bracket": 0.0}
LEARNED = {"model.heads": "multi", "loss.weighting": "uncertainty"}
EXAMPLES = {
    "data.crop_height": ({}, {"data.crop": "center"}),
    "data.crop_width": ({}, {"data.crop": "lower_center"}),
    "data.face_margin": ({}, {"data.face_boxes": "mtcnn"}),
    "cv.validation_share": ({"cv.folds": 2}, {"cv.folds": 1}),
    "cv.seed": ({"cv.folds": 0}, {"cv.folds": 1}),
    "train.age_cutoff": ({"model.heads": "mask"}, {"model.heads": "age"}),
    "loss.name": (ONLY_YEARS, {**ONLY_YEARS, "loss.age_bracket": 0.5}),
    "loss.smoothing": (ONLY_YEARS, {**ONLY_YEARS, "model.heads": "multi"}),
    "loss.class_weights": (ONLY_YEARS, {}),
    "loss.mix.cross_entropy": (ONLY_YEARS, {}),
    "loss.mix.focal": (ONLY_YEARS, {}),
    "loss.mix.f1": (ONLY_YEARS, {}),
    "loss.gamma": ({}, {"loss.name": "focal"}),
    "loss.beta": ({"loss.class_weights": "inverse"}, {"loss.class_weights": "effective"}),
    "loss.age.name": ({**ONLY_YEARS, "model.heads": "multi"}, YEARS),
    "loss.mask.weight": (LEARNED, {"model.heads": "multi"}),
    "loss.gender.weight": (LEARNED, {"model.heads": "multi"}),
    "loss.age.weight": (LEARNED, {"model.heads": "multi"}),
    "loss.age_spread": ({"model.heads": "multi"}, YEARS),
    "loss.age_bracket": ({"model.heads": "age"}, YEARS),
    "augment.flip_old": (
        {"augment.flip": 0.5, "augment.flip_old": 0.3},
        {"augment.flip": 0.3, "augment.flip_old": 0.5},
    ),
    "augment.crop_scale": ({}, {"augment.random_crop": 0.5}),
    "augment.shift": ({}, {"augment.brightness_contrast": 0.5}),
    "augment.erasing_share": ({}, {"augment.erasing": 0.5}),
    "augment.magnitude": ({}, {"augment.rand_augment": 0.5}),
    "augment.mix_alpha": ({}, {"augment.mixup": 0.5}),
    "optim.step_epochs": ({}, {"optim.schedule": "step"}),
    "optim.step_factor": (
        {"optim.schedule": "step", "optim.step_epochs": 8, "train.epochs": 8},
        {"optim.schedule": "step", "optim.step_epochs": 8, "train.epochs": 9},
    ),
    "members.use": ({}, {"members.settings": {"one": {}}}),
    "members.vote": (
        {"members.settings": {"one": {}}, "members.use": "one"},
        {"members.settings": {"one": {}}},
    ),
}
"""Path -> settings beside which it has no effect, and settings beside which it has one."""
NAMED = sorted(set(CONDITIONS) - {"members.use"})
"""Those whose condition is a setting: members come with a recipe alone."""


def notes(path: str, values: dict, searched: tuple[str, ...] = ()) -> list[str]:
    members = values.get("members.settings", {})
    single = {name: value for name, value in values.items() if name != "members.settings"}
    config = TrialConfig(members={"settings": members}).with_values(single)
    return ignored_settings(config, {path}, searched)


def test_each_condition_has_its_examples_here():
    assert set(CONDITIONS) == set(EXAMPLES)
    assert set(CONDITIONS) <= set(setting_paths(TrialConfig))


@pytest.mark.parametrize("path", EXAMPLES)
def test_setting_without_effect_is_named_with_what_it_lacks(path):
    [note] = notes(path, EXAMPLES[path][0])
    assert note == f"{path} has no effect without {CONDITIONS[path].words}"


@pytest.mark.parametrize("path", EXAMPLES)
def test_setting_with_an_effect_is_not_mentioned(path):
    assert notes(path, EXAMPLES[path][1]) == []


@pytest.mark.parametrize("path", NAMED)
def test_condition_names_settings_that_exist(path):
    named = named_settings(CONDITIONS[path].words)
    assert named
    assert set(named) <= set(setting_paths(TrialConfig))


@pytest.mark.parametrize("values", [{"loss.mix.focal": 0.5}, {"loss.name": "focal"}])
def test_gamma_counts_where_focal_loss_is_trained(values):
    assert notes("loss.gamma", values) == []


def test_gamma_counts_where_one_head_trains_with_focal_loss():
    assert notes("loss.gamma", {"model.heads": "multi", "loss.mask.name": "focal"}) == []


@pytest.mark.parametrize("focal", [{"loss.name": "focal"}, {"loss.mix.focal": 0.5}])
def test_gamma_has_no_effect_where_only_years_are_trained(focal):
    assert notes("loss.gamma", {**ONLY_YEARS, **focal})


@pytest.mark.parametrize(
    "by_class", [{"train.sampler": "balanced"}, {"augment.horizontal_cutmix": 0.5}]
)
def test_cutoff_counts_where_the_classes_choose_images(by_class):
    assert notes("train.age_cutoff", {"model.heads": "mask", **by_class}) == []


@pytest.mark.parametrize("path", NAMED)
def test_setting_counts_where_one_that_it_lacks_is_searched(path):
    for searched in named_settings(CONDITIONS[path].words):
        assert notes(path, EXAMPLES[path][0], (searched,)) == []


def test_setting_counts_where_one_of_several_networks_needs_it():
    members = {"plain": {"loss.name": "cross_entropy"}, "focused": {"loss.name": "focal"}}
    assert notes("loss.gamma", {"members.settings": members}) == []


def test_setting_that_no_network_needs_is_named_once():
    members = {"one": {"loss.name": "f1"}, "two": {"loss.name": "cross_entropy"}}
    # The trial's own loss.name is no network's.
    assert len(notes("loss.gamma", {"members.settings": members})) == 1
    focal = TrialConfig(loss={"name": "focal"}, members={"settings": members})
    assert len(ignored_settings(focal, {"loss.gamma"})) == 1


def test_untyped_settings_are_not_mentioned():
    assert ignored_settings(TrialConfig(), set()) == []
