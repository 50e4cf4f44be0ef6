"""What does a network know of an image before it decides? The features that go into its head.

Images of one person are near each other there, which tells who is on an eval image twice.
"""

import itertools
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from trainable.config import TrialConfig
from trainable.model import head_layers

Parts = list[NDArray[np.float16]]
"""Embeddings (B, F) of length 1, batch after batch."""


def embedding_member(config: TrialConfig) -> str:
    """Return the member whose network embeds: the first that tells people apart.

    That is one that answers gender or age. Of networks for the mask alone it is the first.
    """
    members = config.member_configs()
    telling = (name for name, own in members.items() if {"gender", "age"} & set(own.model.tasks))
    return next(telling, next(iter(members)))


@contextmanager
def features_kept(model: nn.Module, views: int) -> Generator[Parts]:
    """Keep what goes into the network's head meanwhile, of the first of ``views`` views a batch.

    The batches come view after view, as ``views_of`` yields them. Of a distilled network's two
    heads it is the first.
    """
    parts: Parts = []
    calls = itertools.count()

    def keep(head: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if next(calls) % views == 0:
            parts.append(unit_length(inputs[0]).cpu().numpy())

    handle = _first_head(model).register_forward_pre_hook(keep)
    try:
        yield parts
    finally:
        handle.remove()


def unit_length(features: torch.Tensor) -> torch.Tensor:
    """Return features (B, F) or (B, F, 1, 1) as (B, F) float16, each of length 1."""
    return functional.normalize(features.flatten(1).float(), dim=1).half()


def _first_head(model: nn.Module) -> nn.Module:
    head = head_layers(model)
    return head[0] if isinstance(head, nn.ModuleList) else head
