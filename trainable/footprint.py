"""Which of several trials takes the most memory? Reckoned from shapes, with nothing trained."""

import functools
from dataclasses import dataclass

import torch
from torch import nn

from trainable.config import ModelConfig, TrialConfig
from trainable.model import build_shapes

BYTES = 4
"""Of a number in float32: trials that are compared have the same precision."""


@dataclass(frozen=True)
class Shapes:
    """Numbers of a network: its weights, and what its layers put out for one image."""

    weights: int
    outputs: int


def footprint(config: TrialConfig) -> int:
    """Return about how many bytes training takes, to compare trials by; a probe measures them.

    One network at a time has the outputs of its layers in memory, all keep weights, gradients,
    moments and averages.
    """
    networks = config.member_configs().values()
    return max(map(_passing, networks)) + networks_at_once(config) * max(map(_kept, networks))


def networks_at_once(config: TrialConfig) -> int:
    """Return how many networks of a trial are in memory together."""
    folds = 1 if config.cv.fidelity == "folds" else max(1, config.cv.folds)
    return folds * len(config.member_configs())


def _passing(config: TrialConfig) -> int:
    images = -(-config.train.batch_size // config.machine.micro_batches)
    return BYTES * images * _shapes(config).outputs


def _kept(config: TrialConfig) -> int:
    moments = 1 if config.optim.name == "sgd" else 2
    copies = 2 + moments + (config.optim.sam_rho > 0) + (config.optim.ema_decay > 0)
    return BYTES * copies * _shapes(config).weights


def _shapes(config: TrialConfig) -> Shapes:
    size = config.data.image_height, config.data.image_width
    return _shapes_of(config.model.model_dump_json(), size)


@functools.lru_cache(maxsize=256)
def _shapes_of(settings: str, size: tuple[int, int]) -> Shapes:
    model, outputs = build_shapes(ModelConfig.model_validate_json(settings)), 0

    def count(layer: nn.Module, inputs: object, output: object) -> None:
        nonlocal outputs
        outputs += output.numel() if isinstance(output, torch.Tensor) else 0

    for layer in model.modules():
        if not [*layer.children()]:
            layer.register_forward_hook(count)
    images = 2  # batch norms cannot do with one
    model(torch.empty(images, 3, *size, device="meta"))
    return Shapes(sum(weight.numel() for weight in model.parameters()), outputs // images)
