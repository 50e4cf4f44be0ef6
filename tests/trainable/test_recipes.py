"""Every recipe and every scale is a set of settings that a trial can take."""

import pytest

from trainable.command_line import nested
from trainable.config import TrialConfig
from trainable.fitting import Fit
from trainable.recipes.catalogue import RECIPES, SCALES
from trainable.settings import check_settings, setting_paths

TEAMS = sorted(set(RECIPES) - {"plain"})


def config_of(recipe: str) -> TrialConfig:
    plain = TrialConfig().model_dump()
    for section, values in nested(RECIPES[recipe].settings()).items():
        for name, value in values.items():
            own = plain[section].get(name)
            plain[section][name] = {**own, **value} if isinstance(own, dict) else value
    return check_settings(TrialConfig, plain)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("scale", SCALES)
def test_recipe_can_be_trained_at_every_scale(recipe, scale):
    config = config_of(recipe).with_values(SCALES[scale])
    assert {path: config.value(path) for path in SCALES[scale]} == SCALES[scale]
    assert config.tasks == ("mask", "gender", "age")


def test_plain_recipe_adds_nothing():
    assert config_of("plain") == TrialConfig()
    assert not RECIPES["plain"].steps()


def test_small_scale_needs_neither_gpu_nor_hub():
    config = TrialConfig().with_values(SCALES["small"])
    assert not config.model.pretrained
    assert config.data.image_height * config.data.image_width <= 96 * 96


@pytest.mark.parametrize("recipe", TEAMS)
def test_undoing_every_technique_leaves_the_foundation(recipe):
    known = RECIPES[recipe]
    values = {}
    for technique in known.steps().values():
        values |= known.undone(technique)
    assert config_of(recipe).with_values(values).member_configs() == {
        "": TrialConfig().with_values({**known.foundation, "members.use": "all"})
    }


@pytest.mark.parametrize("recipe", TEAMS)
def test_every_technique_changes_the_recipe(recipe):
    known, whole = RECIPES[recipe], config_of(recipe)
    for name, technique in known.steps().items():
        assert whole.with_values(known.undone(technique)).member_configs() != (
            whole.member_configs()
        ), name
    for name, technique in known.tried.items():
        assert whole.with_values(technique) != whole, name


@pytest.mark.parametrize("recipe", TEAMS)
def test_recipe_names_settings_that_exist(recipe):
    known = RECIPES[recipe]
    parts = [known.foundation, *known.techniques.values(), *known.tried.values()]
    paths = {path for part in [*parts, *known.members.values()] for path in part}
    assert paths <= set(setting_paths(TrialConfig))


@pytest.mark.parametrize("recipe", TEAMS)
def test_recipe_trains_and_predicts(recipe, tiny):
    kept = ("data.root", "data.image_height", "data.image_width", "model.backbone")
    values = {path: tiny.value(path) for path in kept}
    values |= {"model.pretrained": False, "cv.folds": 2, "train.epochs": 2, "machine.threads": 1}
    fit = Fit(config_of(recipe).with_values(values))
    epoch = fit.step()
    assert epoch.score == epoch.metrics["macro_f1"]
    assert fit.validation.sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert fit.eval_probabilities().values.shape == (len(fit.data.eval_images), 18)
    members = list(RECIPES[recipe].members)
    assert list(epoch.members) == members
