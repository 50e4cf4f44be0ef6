"""A backbone is named as timm names it, and never starts at random where it should not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch
from timm.models import _registry
from torch import nn

from trainable import model
from trainable.config import ModelConfig
from trainable.model import (
    OFFLINE_BACKBONE,
    OFFLINE_PACKAGE,
    check_backbone,
    head_layers,
    make_model,
)
from trainable.settings import UserError

HIDDEN = {
    "mobilenetv3_small_050": 1024,
    "resnet10t": 512,
    "tf_efficientnet_lite0": 1280,
    "vit_tiny_patch16_224": 192,
    "swin_tiny_patch4_window7_224": 768,
    "convnext_atto": 320,
    "efficientvit_b0": 1280,
    "resnetv2_18": 512,
}
"""Backbone -> features of its head; each keeps its classifier in another place."""


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


@pytest.mark.parametrize(
    ("settings", "outputs"),
    [
        ({}, 18),
        ({"heads": "multi"}, 8),
        ({"heads": "gender"}, 2),
        ({"heads": "multi", "age_head": "distribution"}, 65),
        ({"heads": "multi", "hidden": 16}, 8),
    ],
)
def test_network_has_one_output_for_each_class_of_each_head(settings, outputs):
    network = make_model(ModelConfig(**settings)).eval()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, outputs)


@pytest.mark.parametrize(("backbone", "features"), HIDDEN.items())
def test_hidden_layer_stands_between_features_and_outputs(backbone, features):
    with torch.device("meta"):
        network = make_model(ModelConfig(backbone=backbone, hidden=40, heads="multi"))
        outputs = network(torch.empty(2, 3, 224, 224))
    first, activation, _, last = head_layers(network)
    assert (first.weight.shape[:2], last.weight.shape[:2]) == ((40, features), (8, 40))
    assert isinstance(activation, nn.ReLU)
    assert outputs.shape == (2, 8)


def test_hidden_layer_is_part_of_what_the_network_computes():
    network = make_model(ModelConfig(hidden=16)).eval()
    head = head_layers(network)
    found = network(torch.rand(2, 3, 32, 32))
    nn.init.zeros_(head[0].weight)
    nn.init.constant_(head[0].bias, -1)
    # What the activation cuts off leaves the last layer's bias alone.
    assert torch.equal(network(torch.rand(2, 3, 32, 32)), head[3].bias.expand(2, 18))
    assert not torch.equal(found, head[3].bias.expand(2, 18))


def test_both_classifiers_of_a_distilled_network_get_a_hidden_layer():
    config = ModelConfig(backbone="deit_tiny_distilled_patch16_224", hidden=40)
    with torch.device("meta"):
        network = make_model(config)
        assert network(torch.empty(2, 3, 224, 224)).shape == (2, 18)
    assert [len(layers) for layers in head_layers(network)] == [4, 4]


def test_dropout_is_drawn_before_each_layer_of_the_head():
    network = make_model(ModelConfig(hidden=16, dropout=0.25))
    assert (network.drop_rate, head_layers(network)[2].p) == (0.25, 0.25)


@pytest.mark.parametrize("hidden", [0, 40])
def test_backbone_with_a_hidden_layer_is_checked_against_the_image_size(hidden):
    config = ModelConfig(backbone="vit_tiny_patch16_224", hidden=hidden)
    check_backbone(config, (224, 224))
    with pytest.raises(UserError, match="takes no images of 96 x 72 pixels"):
        check_backbone(config, (96, 72))


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


@pytest.mark.parametrize("hidden", [0, 16])
def test_offline_weights_are_taken_by_position_but_for_the_head(offline_package, hidden):
    donor = timm.create_model(OFFLINE_BACKBONE, num_classes=1000).state_dict()
    torch.save({f"renamed.{i}": value for i, value in enumerate(donor.values())}, offline_package)
    settings = {"backbone": OFFLINE_BACKBONE, "pretrained": True, "hidden": hidden}
    network = make_model(ModelConfig(**settings)).state_dict()
    own = {name for name in network if name.startswith("classifier.")}
    assert len(own) == (4 if hidden else 2)
    for name in set(network) - own:
        assert torch.equal(network[name], donor[name])


@pytest.mark.parametrize("other", ["lcnet_050", "tf_efficientnet_lite1"])
def test_offline_weights_of_another_network_are_refused(offline_package, other):
    torch.save(timm.create_model(other).state_dict(), offline_package)
    with pytest.raises(UserError, match=f"weights.pth does not hold .*{OFFLINE_BACKBONE}"):
        make_model(ModelConfig(backbone=OFFLINE_BACKBONE, pretrained=True))


def broken_backbone(pretrained: bool = False, **settings: object) -> nn.Module:
    raise RuntimeError("this network cannot be built")


def test_network_that_cannot_be_built_is_not_blamed_on_its_weights(monkeypatch):
    broken_backbone.__module__ = "timm.models.resnet"
    monkeypatch.setitem(_registry._model_entrypoints, "broken_backbone", broken_backbone)
    with pytest.raises(RuntimeError, match=r"^this network cannot be built$"):
        make_model(ModelConfig(backbone="broken_backbone", pretrained=True))
