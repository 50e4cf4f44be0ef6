"""Which trials take equally long for a step?"""

import math
from dataclasses import dataclass

from trainable.config import CvConfig, TrialConfig
from trainable.labels import MASK_OF_IMAGE

SHOWN_OF_A_PERSON = {
    "shuffle": len(MASK_OF_IMAGE),
    "balanced": len(MASK_OF_IMAGE),
    "undersampled": 3,
    "one_per_person": 1,
}
"""train.sampler -> images of each person that an epoch shows."""


@dataclass(frozen=True)
class NetworkKind:
    """What the steps of one network cost alike by.

    On a CPU a step cost 1.97 times as much with sharpness-aware steps, 1.29 and 1.70 times with
    batches of 16 and 8 instead of 32, and 0.9 to 1.2 times with other optimizers, losses, heads
    and augmentations, which are no part of it. ``batch_size`` is rounded down to a power of two;
    ``share``, of all persons, is trained on in a step; ``dropped``, years of age left out;
    ``passes``, looks at each batch; ``views``, of each predicted image; ``frozen``, epochs in which
    the backbone is.
    """

    backbone: str
    image_height: int
    image_width: int
    batch_size: int
    share: float
    sampler: str
    old_copies: int
    dropped: tuple[int, int]
    passes: int
    views: int
    frozen: int

    @property
    def work(self) -> float:
        """Pixels that go through the network, but for a factor; at most, where there are copies."""
        shown = self.share * SHOWN_OF_A_PERSON[self.sampler] * (1 + self.old_copies)
        return self.image_height * self.image_width * shown * self.passes


Kind = tuple[NetworkKind, ...]
"""What a trial's steps cost alike by: the kinds of its networks."""


def kind_of(config: TrialConfig) -> Kind:
    """Return the trial's kind; trials of one kind take equally long."""
    return tuple(_network_kind(own) for own in config.member_configs().values())


def _network_kind(config: TrialConfig) -> NetworkKind:
    train = config.train
    return NetworkKind(
        backbone=config.model.backbone,
        image_height=config.data.image_height,
        image_width=config.data.image_width,
        batch_size=2 ** int(math.log2(train.batch_size)),
        share=_share_trained(config.cv),
        sampler=train.sampler,
        old_copies=train.old_copies,
        dropped=(train.drop_below_30, train.drop_below_60),
        passes=2 if config.optim.sam_rho else 1,
        views=config.predict.crops * (2 if config.predict.flip else 1),
        frozen=config.optim.freeze_epochs,
    )


def _share_trained(cv: CvConfig) -> float:
    """Return the persons that all folds of a step train on together, as a share of all persons."""
    if cv.folds < 2:
        return 1 - cv.validation_share * cv.folds
    if cv.fidelity == "folds":
        return 1 - 1 / cv.folds
    return cv.folds - 1.0


def backbones(kind: Kind) -> tuple[str, ...]:
    """Return the backbones of a kind's networks."""
    return tuple(own.backbone for own in kind)


def times_as_long(asked: Kind, known: Kind) -> float:
    """Return what a kind takes at most, as a multiple of another with the same backbones.

    Smaller images may be no faster, larger ones are no slower than their area; the same goes for
    larger and smaller batches.
    """
    by_work = sum(own.work for own in asked) / sum(own.work for own in known)
    by_batch = min(own.batch_size for own in known) / min(own.batch_size for own in asked)
    return max(1.0, by_work) * max(1.0, by_batch)
