"""Which search spaces are there?"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from search_spaces import (
    age_cutoff,
    augmentation,
    backbone,
    backbone_small,
    learning_rate,
    loss_aug,
)
from search_spaces.language import Space, merge
from trainable.settings import UserError, unknown_name

SPACES: Mapping[str, Space] = {
    "age_cutoff": age_cutoff.SPACE,
    "augmentation": augmentation.SPACE,
    "backbone": backbone.SPACE,
    "backbone_small": backbone_small.SPACE,
    "learning_rate": learning_rate.SPACE,
    "loss_aug": loss_aug.SPACE,
}


def space_named(names: Sequence[str], pinned: AbstractSet[str] = frozenset()) -> Space:
    """Return the composition of the named spaces without the ``pinned`` paths."""
    if not names:
        raise UserError(f"space= names no search space; known: {', '.join(SPACES)}")
    for name in names:
        if name not in SPACES:
            raise unknown_name("search space", name, SPACES)
    return merge({name: SPACES[name].without(pinned) for name in names})
