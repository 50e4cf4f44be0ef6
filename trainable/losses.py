"""What does training minimise? Losses of logits (B, C) against classes (B,)."""

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional

from trainable.config import LossConfig
from trainable.heads import SECTIONS, section_labels, section_logits

ClassWeights = torch.Tensor | None
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, config: LossConfig, weights: ClassWeights
) -> torch.Tensor:
    """Return the mean of -log p(label), label-smoothed and class-weighted as ``config`` says."""
    return functional.cross_entropy(
        logits, labels, weight=weights, label_smoothing=config.smoothing
    )


def focal(
    logits: torch.Tensor, labels: torch.Tensor, config: LossConfig, weights: ClassWeights
) -> torch.Tensor:
    """Return the mean of -(1 - p(label))^gamma log p(label) (Lin et al. 2017).

    With smoothing, log p(label) becomes the smoothed cross-entropy; the focus stays on p(label).
    """
    losses = functional.cross_entropy(
        logits, labels, weight=weights, label_smoothing=config.smoothing, reduction="none"
    )
    probability = functional.softmax(logits, dim=1).gather(1, labels[:, None]).squeeze(1)
    focus = (1 - probability).clamp(min=0) ** config.gamma
    scale = losses.numel() if weights is None else weights[labels].sum()
    return (focus * losses).sum() / scale


def soft_f1(
    logits: torch.Tensor, labels: torch.Tensor, config: LossConfig, weights: ClassWeights
) -> torch.Tensor:
    """Return 1 - macro-F1 with probabilities in place of decisions.

    Classes of the batch's labels count, weighted if ``weights`` are given; smoothed targets are
    used as they are.
    """
    classes = logits.shape[1]
    hard = functional.one_hot(labels, classes).to(logits.dtype)
    target = hard * (1 - config.smoothing) + config.smoothing / classes
    probability = functional.softmax(logits, dim=1)
    hits = (probability * target).sum(0)
    f1 = 2 * hits / (probability.sum(0) + target.sum(0)).clamp(min=1e-8)
    shares = (hard.sum(0) > 0).to(logits.dtype) * (1 if weights is None else weights)
    return 1 - (f1 * shares).sum() / shares.sum()


def inverse_class_weights(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Return weights (C,) proportional to 1/count with mean 1 over the labels that occur."""
    counts = torch.bincount(labels, minlength=classes).float()
    weights = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
    return weights * (counts > 0).sum() / weights.sum()


def make_loss(config: LossConfig, heads: str, training_labels: torch.Tensor) -> Loss:
    """Return the loss of outputs (B, sum of sections) against joint classes (B,).

    Shares of ``loss.mix`` are mixed in; sections of a multi-head are summed. Class weights are
    counted over ``training_labels`` and live on their device.
    """
    shares = {**config.mix.model_dump()}
    shares[config.name] = 1 - sum(shares.values())
    weights = _section_weights(config, heads, training_labels)

    def loss(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        parts = zip(
            section_logits(outputs.float(), heads),
            section_labels(labels, heads),
            weights,
            strict=True,
        )
        terms = [
            share * LOSSES[name](logits, targets, config, section)
            for logits, targets, section in parts
            for name, share in shares.items()
            if share > 0
        ]
        return torch.stack(terms).sum()

    return loss


def _section_weights(
    config: LossConfig, heads: str, training_labels: torch.Tensor
) -> list[ClassWeights]:
    if config.class_weights == "none":
        return [None] * len(SECTIONS[heads])
    targets = section_labels(training_labels, heads)
    return [
        inverse_class_weights(labels, size)
        for labels, size in zip(targets, SECTIONS[heads], strict=True)
    ]


LOSSES: Mapping[
    str, Callable[[torch.Tensor, torch.Tensor, LossConfig, ClassWeights], torch.Tensor]
] = {"cross_entropy": cross_entropy, "focal": focal, "f1": soft_f1}
