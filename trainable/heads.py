"""How do a network's outputs become probabilities of the 18 classes, and labels its targets?

A joint head has one section of 18 outputs; several heads have one each, of 3, 2 and 3 outputs
(mask, gender, age), whose joint probability is the product, so that summing gives each head back.
A head that is missing, in a network for one task, counts as knowing nothing.

Targets (B, 18) are probabilities of the joint classes, as mixing images mixes them. An age head
that predicts years has 60 more columns: how much each year of life shares in the label.
"""

from collections.abc import Mapping

import torch
from torch.nn import functional

from trainable.labels import CLASS_COUNT, MIDDLE_AGE, TASK_CLASSES, TASKS
from trainable.sections.network import ModelConfig

FIRST_YEAR, YEARS = 15, 60
"""The age distribution's bins are the years 15 to 74; younger and older count as the ends."""


def section_sizes(config: ModelConfig) -> dict[str, int]:
    """Return the outputs of each head, in the order in which the network gives them."""
    if config.heads == "joint":
        return {"joint": CLASS_COUNT}
    sizes = {task: len(TASK_CLASSES[task]) for task in config.tasks}
    if config.age_head == "distribution":
        sizes["age"] = YEARS
    return sizes


def section_outputs(outputs: torch.Tensor, config: ModelConfig) -> dict[str, torch.Tensor]:
    """Split outputs (B, sum of sizes) into the logits of each head."""
    sizes = section_sizes(config)
    return dict(zip(sizes, outputs.split(list(sizes.values()), dim=1), strict=True))


def class_targets(labels: torch.Tensor) -> torch.Tensor:
    """Return targets (B, 18) of joint classes (B,): 1 for the label, else 0."""
    return functional.one_hot(labels, CLASS_COUNT).float()


def year_targets(ages: torch.Tensor, spread: float) -> torch.Tensor:
    """Return label distributions (B, 60): a Gaussian round each age (B,), ``spread`` years wide.

    Ages next to each other look alike, so each teaches its neighbours (Gao et al. 2017). Up to a
    spread of 8 years the likeliest bracket is the age's own, whatever the cut-off.
    """
    years = torch.arange(FIRST_YEAR, FIRST_YEAR + YEARS, device=ages.device)
    inside = ages.clamp(FIRST_YEAR, FIRST_YEAR + YEARS - 1)
    return functional.softmax(-((years - inside[:, None]) ** 2) / (2 * spread**2), dim=1)


def task_target(targets: torch.Tensor, head: str) -> torch.Tensor:
    """Return the target (B, C) of one head's classes, summed from joint targets (B, 18 or more)."""
    joint = targets[:, :CLASS_COUNT]
    if head == "joint":
        return joint
    cube = joint.unflatten(1, [len(TASK_CLASSES[task]) for task in TASKS])
    others = [i + 1 for i, task in enumerate(TASKS) if task != head]
    return cube.sum(dim=others)


def bracket_logits(years: torch.Tensor, cutoff: int) -> torch.Tensor:
    """Return logits (B, 3) of the age classes, whose softmax sums that of ``years`` (B, 60).

    Old begins at ``cutoff``, train.age_cutoff, in training and in prediction: who is trained as
    old from 58 on is called old from 58 on, as by a head of three classes. Cut at 60, predictions
    would take back what the cut-off is moved for. Scores alone stay at 60.
    """
    sizes = [MIDDLE_AGE - FIRST_YEAR, cutoff - MIDDLE_AGE, FIRST_YEAR + YEARS - cutoff]
    # Near 0, where log-probabilities are, float32 has digits left for the sum.
    parts = functional.log_softmax(years, dim=1).split(sizes, dim=1)
    return torch.stack([part.logsumexp(dim=1) for part in parts], dim=1)


def joint_probabilities(outputs: torch.Tensor, config: ModelConfig, cutoff: int) -> torch.Tensor:
    """Return probabilities (B, 18) in float32; ``cutoff`` is the age trained as old."""
    logits = section_outputs(outputs.float(), config)
    if config.age_head == "distribution":
        logits["age"] = bracket_logits(logits["age"], cutoff)
    if config.heads == "joint":
        return functional.softmax(logits["joint"], dim=1)
    mask, gender, age = (_head_probabilities(logits, task) for task in TASKS)
    return torch.einsum("bm,bg,ba->bmga", mask, gender, age).flatten(1)


def _head_probabilities(logits: Mapping[str, torch.Tensor], task: str) -> torch.Tensor:
    if task in logits:
        return functional.softmax(logits[task], dim=1)
    some, size = next(iter(logits.values())), len(TASK_CLASSES[task])
    return torch.full((len(some), size), 1 / size, device=some.device)
