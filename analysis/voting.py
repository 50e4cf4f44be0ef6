"""How do several models answer together? Soft and hard voting over their probabilities."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["soft", "hard"]
Classes = NDArray[np.int64]
"""The class of each image, (N,)."""
Stack = NDArray[np.float64]
"""Probabilities (M, N, C) of M models for the same N images and C classes."""


ENSEMBLE = "ensemble"
"""The name of the vote beside its members."""


def soft_vote(stack: Stack) -> Classes:
    """Return the class (N,) of the highest mean probability."""
    return stack.mean(axis=0).argmax(axis=-1)


def hard_vote(stack: Stack) -> Classes:
    """Return the class (N,) that most models put first; summed probabilities decide a tie."""
    classes = np.arange(stack.shape[-1])
    votes = (stack.argmax(axis=-1)[..., np.newaxis] == classes).sum(axis=0)
    leads = votes == votes.max(axis=-1, keepdims=True)
    return np.where(leads, stack.sum(axis=0), -np.inf).argmax(axis=-1)


def ballot(names: Sequence[str], stack: Stack, method: Method) -> dict[str, Classes]:
    """Return what each of M members answers alone, by name, and last what they answer together."""
    alone = dict(zip(names, stack.argmax(axis=-1), strict=True))
    return {**alone, ENSEMBLE: VOTES[method](stack)}


VOTES: Mapping[Method, Callable[[Stack], Classes]] = {"soft": soft_vote, "hard": hard_vote}
