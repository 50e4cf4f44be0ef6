"""What does training minimise? Losses of logits (B, C) against targets (B, C) that sum to 1."""

from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn import functional

from trainable.config import TrialConfig
from trainable.heads import bracket_logits, section_outputs, section_sizes, task_target
from trainable.labels import CLASS_COUNT
from trainable.sections.loss import LossConfig

ClassWeights = torch.Tensor | None


def cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, config: LossConfig, weights: ClassWeights
) -> torch.Tensor:
    """Return the mean of -log p(label), label-smoothed and class-weighted as ``config`` says."""
    losses = functional.cross_entropy(
        logits, target, weight=weights, label_smoothing=config.smoothing, reduction="none"
    )
    return losses.sum() / _total_weight(target, weights)


def focal(
    logits: torch.Tensor, target: torch.Tensor, config: LossConfig, weights: ClassWeights
) -> torch.Tensor:
    """Return the mean of -(1 - p(label))^gamma log p(label) (Lin et al. 2017).

    With smoothing, -log p(label) becomes the smoothed cross-entropy; the focus stays on p(label).
    Mixed labels cost the mix of what each costs, as mixup trains them (Zhang et al. 2018).
    """
    log_probability = functional.log_softmax(logits, dim=1)
    costs = -log_probability if weights is None else -log_probability * weights
    smoothed = (1 - config.smoothing) * costs + config.smoothing * costs.mean(1, keepdim=True)
    # For gamma < 1 the slope at 0 is infinite; float32 has no such number this close to 1.
    focus = (1 - log_probability.exp()).clamp(min=1e-8) ** config.gamma
    return (target * focus * smoothed).sum() / _total_weight(target, weights)


def soft_f1(
    logits: torch.Tensor, target: torch.Tensor, config: LossConfig, weights: ClassWeights
) -> torch.Tensor:
    """Return 1 - macro-F1 with probabilities in place of decisions.

    Hits and misses of a class are sums of probabilities over the batch, so they can be derived.
    Classes that have a share in the batch's targets count, weighted if ``weights`` are given;
    smoothed and mixed targets are used as they are.
    """
    smooth = target * (1 - config.smoothing) + config.smoothing / target.shape[1]
    probability = functional.softmax(logits, dim=1)
    hits = (probability * smooth).sum(0)
    f1 = 2 * hits / (probability.sum(0) + smooth.sum(0)).clamp(min=1e-8)
    shares = (target.sum(0) > 0).to(logits.dtype) * (1 if weights is None else weights)
    return 1 - (f1 * shares).sum() / shares.sum()


def inverse_class_weights(counts: torch.Tensor) -> torch.Tensor:
    """Return weights (C,) proportional to 1/count with mean 1 over the classes that occur.

    Classes that do not occur get 0, here and below.
    """
    return _mean_one(torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0))


def effective_class_weights(counts: torch.Tensor, beta: float) -> torch.Tensor:
    """Return weights (C,) proportional to (1 - beta) / (1 - beta^count), with mean 1.

    The denominator is the effective number of images: each further image of a class overlaps
    with those before it (Cui et al. 2019).
    """
    # In float32 1 - beta^count has no digits left where beta is near 1.
    effective = (1 - beta ** counts.double()) / (1 - beta)
    return _mean_one(torch.where(counts > 0, 1 / effective, 0.0).float())


class TrialLoss(nn.Module):
    """The loss of outputs (B, sum of head sizes) against targets (B, T) of trainable.heads.

    Heads are summed with the weights of ``loss.<task>.weight``, or with learned ones: L becomes
    exp(-s) L + s / 2, where s = log of the task's variance is a parameter (Kendall et al. 2018).
    At rest s is log 2L, so the learned weight is 1 / 2L, whatever L was multiplied by before:
    ``loss.<task>.weight`` has no part in it.

    An age head that predicts years costs the Kullback-Leibler divergence of its label
    distribution, and ``loss.age_bracket`` times the age loss of the brackets it sums to. Class
    weights, smoothing and further losses act on the brackets.

    Class weights are counted over the training side's ``targets`` (N, T), not over a batch, and
    live on their device.
    """

    def __init__(self, config: TrialConfig, targets: torch.Tensor) -> None:
        super().__init__()
        self._config = config.loss
        self._model = config.model
        self._cutoff = config.train.age_cutoff
        heads = tuple(section_sizes(config.model))
        self._class_weights = {
            head: class_weights(config.loss, task_target(targets, head)) for head in heads
        }
        self._head_weights = targets.new_tensor([_head_weight(config.loss, one) for one in heads])
        if config.loss.weighting == "uncertainty":
            self.log_variances = nn.Parameter(torch.zeros(len(heads), device=targets.device))

    def forward(
        self, outputs: torch.Tensor, targets: torch.Tensor, batch: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the loss, a scalar in float32.

        Of a part of a batch, whose targets (B, T) are ``batch``, it is what the part adds to the
        loss of the whole; the F1 loss alone is computed within each part.
        """
        batch = targets if batch is None else batch
        outputs_of = section_outputs(outputs.float(), self._model)
        losses = torch.stack(
            [self._head_loss(head, logits, targets, batch) for head, logits in outputs_of.items()]
        )
        if self._config.weighting == "uncertainty":
            spread = self.log_variances / 2 * (len(targets) / len(batch))
            return (torch.exp(-self.log_variances) * losses + spread).sum()
        return (self._head_weights * losses).sum()

    def _head_loss(
        self, head: str, logits: torch.Tensor, targets: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        ours, theirs = task_target(targets, head), task_target(batch, head)
        weights = self._class_weights[head]
        share = _total_weight(ours, weights) / _total_weight(theirs, weights)
        if head != "age" or self._model.age_head == "classes":
            return share * self._mixed(head, logits, ours)
        divergence = functional.kl_div(
            functional.log_softmax(logits, dim=1), targets[:, CLASS_COUNT:], reduction="sum"
        ) / len(batch)
        brackets = share * self._mixed(head, bracket_logits(logits, self._cutoff), ours)
        return divergence + self._config.age_bracket * brackets

    def _mixed(self, head: str, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        shares = self._config.mix.model_dump()
        main = self._config.name if head == "joint" else self._config.of_task(head)
        shares[main] = 1 - sum(shares.values())
        terms = [
            share * LOSSES[name](logits, target, self._config, self._class_weights[head])
            for name, share in shares.items()
            if share > 0
        ]
        return torch.stack(terms).sum()


def class_weights(config: LossConfig, target: torch.Tensor) -> ClassWeights:
    """Return the weights (C,) of the classes whose shares ``target`` (N, C) holds, if any."""
    counts = target.sum(0)
    if config.class_weights == "inverse":
        return inverse_class_weights(counts)
    if config.class_weights == "effective":
        return effective_class_weights(counts, config.beta)
    return None


def _head_weight(config: LossConfig, head: str) -> float:
    return 1.0 if head == "joint" else getattr(config, head).weight


def _mean_one(weights: torch.Tensor) -> torch.Tensor:
    return weights * (weights > 0).sum() / weights.sum()


def _total_weight(target: torch.Tensor, weights: ClassWeights) -> torch.Tensor | int:
    return len(target) if weights is None else (target * weights).sum()


LOSSES: Mapping[
    str, Callable[[torch.Tensor, torch.Tensor, LossConfig, ClassWeights], torch.Tensor]
] = {"cross_entropy": cross_entropy, "focal": focal, "f1": soft_f1}
