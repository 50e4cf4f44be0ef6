"""Every recipe and every scale is a set of settings that a trial can take."""

import pytest

from trainable.config import TrialConfig
from trainable.recipes import RECIPES, SCALES


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("scale", SCALES)
def test_recipe_can_be_trained_at_every_scale(recipe, scale):
    values = {**RECIPES[recipe], **SCALES[scale]}
    config = TrialConfig().with_values(values)
    assert {path: config.value(path) for path in values} == values


def test_plain_recipe_adds_nothing():
    assert TrialConfig().with_values(RECIPES["plain"]) == TrialConfig()


def test_small_scale_needs_neither_gpu_nor_hub():
    config = TrialConfig().with_values(SCALES["small"])
    assert not config.model.pretrained
    assert config.data.image_height * config.data.image_width <= 96 * 96
