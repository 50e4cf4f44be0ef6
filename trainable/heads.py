"""How do a network's outputs become probabilities of the 18 classes?

A joint head has one section of 18 outputs; a multi-head three sections of 3, 2 and 3 (mask,
gender, age), whose joint probability is the product, so that summing gives each head back.
"""

from collections.abc import Mapping

import torch
from torch.nn import functional

from trainable.labels import CLASS_COUNT, TASK_SIZES

SECTIONS: Mapping[str, tuple[int, ...]] = {"joint": (CLASS_COUNT,), "multi": TASK_SIZES}
"""model.heads -> outputs of each section."""


def section_logits(outputs: torch.Tensor, heads: str) -> tuple[torch.Tensor, ...]:
    """Split outputs (B, sum of sections) into one tensor of logits per section."""
    return outputs.split(SECTIONS[heads], dim=1)


def section_labels(labels: torch.Tensor, heads: str) -> tuple[torch.Tensor, ...]:
    """Return the target (B,) of each section for joint classes (B,)."""
    if heads == "joint":
        return (labels,)
    return tuple(torch.unravel_index(labels, TASK_SIZES))


def joint_probabilities(outputs: torch.Tensor, heads: str) -> torch.Tensor:
    """Return probabilities (B, 18) in float32."""
    sections = [functional.softmax(part.float(), dim=1) for part in section_logits(outputs, heads)]
    if heads == "joint":
        return sections[0]
    mask, gender, age = sections
    return torch.einsum("bm,bg,ba->bmga", mask, gender, age).flatten(1)
