"""A backbone is named as timm names it, and never starts at random where it should not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch

from trainable import model
from trainable.config import ModelConfig, UserError
from trainable.heads import SECTIONS
from trainable.model import (
    COMPETITION_MEAN,
    OFFLINE_BACKBONE,
    OFFLINE_PACKAGE,
    check_backbone,
    make_model,
    normalization,
)

IMAGENET_HALF = (0.5, 0.5, 0.5)


@pytest.fixture
def offline_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that is found as the extra's is, with room for its weights."""
    (tmp_path / OFFLINE_PACKAGE).mkdir()
    (tmp_path / OFFLINE_PACKAGE / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, OFFLINE_PACKAGE, raising=False)
    model._offline_file.cache_clear()
    yield tmp_path / OFFLINE_PACKAGE / "weights.pth"
    model._offline_file.cache_clear()


def test_unknown_backbone_names_near_ones():
    with pytest.raises(UserError, match=r"unknown backbone .*'mobilenet_v3_small'; did you mean"):
        check_backbone(ModelConfig(backbone="mobilenet_v3_small"), (32, 32))
    with pytest.raises(UserError, match=r"did you mean .*resnet18"):
        make_model(ModelConfig(backbone="resnet_18"))


@pytest.mark.parametrize(("heads", "outputs"), [("joint", 18), ("multi", 8)])
def test_network_has_one_output_for_each_class_of_each_head(heads, outputs):
    network = make_model(ModelConfig(heads=heads)).eval()
    assert sum(SECTIONS[heads]) == outputs
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, outputs)


@pytest.mark.parametrize(("dropout", "drawn"), [(0.0, False), (0.5, True)])
def test_dropout_is_drawn_before_the_head(dropout, drawn):
    network = make_model(ModelConfig(dropout=dropout)).eval()
    network.training = True  # of its own layer alone: the norms inside keep their statistics
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(network(images), network(images)) is not drawn


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "efficientnet_b6"])
def test_pretrained_weights_that_cannot_be_had_name_both_ways_out(name):
    with pytest.raises(UserError) as error:
        make_model(ModelConfig(backbone=name, pretrained=True))
    message = str(error.value)
    assert message.startswith(f"model.pretrained=true: the weights of {name} cannot be had")
    assert "where the model hub can be reached" in message
    assert "offline-weights" in message


def test_offline_weights_are_taken_by_position_but_for_the_classifier(offline_package):
    donor = timm.create_model(OFFLINE_BACKBONE, num_classes=1000).state_dict()
    torch.save({f"renamed.{i}": value for i, value in enumerate(donor.values())}, offline_package)
    network = make_model(ModelConfig(backbone=OFFLINE_BACKBONE, pretrained=True)).state_dict()
    assert network["classifier.weight"].shape == (18, 1280)
    for name in set(network) - {"classifier.weight", "classifier.bias"}:
        assert torch.equal(network[name], donor[name])


@pytest.mark.parametrize("other", ["lcnet_050", "tf_efficientnet_lite1"])
def test_offline_weights_of_another_network_are_refused(offline_package, other):
    torch.save(timm.create_model(other).state_dict(), offline_package)
    with pytest.raises(UserError, match=f"weights.pth does not hold .*{OFFLINE_BACKBONE}"):
        make_model(ModelConfig(backbone=OFFLINE_BACKBONE, pretrained=True))


def test_normalization_is_the_competition_s_unless_weights_expect_another():
    assert normalization(ModelConfig()).mean == COMPETITION_MEAN
    pretrained = ModelConfig(backbone=OFFLINE_BACKBONE, pretrained=True)
    assert normalization(pretrained).mean == IMAGENET_HALF
