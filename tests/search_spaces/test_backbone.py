"""Backbones that a space names exist, and are tried at a size that they take."""

import pytest
import torch

from search_spaces import backbone, backbone_small
from trainable.config import ModelConfig
from trainable.model import make_model

(SMALL,) = backbone_small.SPACE.domains()["model.backbone"]
SEARCHED = (*backbone.INPUT_SIZES, *SMALL.choices)


def sketch(name: str) -> torch.nn.Module:
    """Return a network whose weights have shapes and no numbers."""
    with torch.device("meta"):
        return make_model(ModelConfig(backbone=name))


@pytest.mark.parametrize("name", SEARCHED)
def test_backbone_of_a_space_can_be_built(name):
    assert sketch(name).num_classes == 18


@pytest.mark.parametrize(("name", "side"), backbone.INPUT_SIZES.items())
def test_backbone_takes_images_of_the_size_it_is_tried_at(name, side):
    with torch.device("meta"):
        assert sketch(name).eval()(torch.zeros(1, 3, side, side)).shape == (1, 18)


def test_height_and_width_follow_the_backbone():
    for path in ("data.image_height", "data.image_width"):
        cases = backbone.SPACE.parameters[path].cases
        sizes = {name: distribution.choices for name, distribution in cases.items()}
        assert sizes == {name: (side,) for name, side in backbone.INPUT_SIZES.items()}
