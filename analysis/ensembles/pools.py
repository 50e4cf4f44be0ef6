"""How do several trials answer together when nothing is fitted? Pools of probabilities.

A pool takes the probabilities (M, N, 18) of M trials and returns those (N, 18) of all together.
"""

from collections.abc import Callable

from scipy.special import softmax
from scipy.stats import rankdata

from analysis.ensembles.evidence import Joint, Stack, logarithms
from trainable.voting import hard_vote, soft_vote

Pool = Callable[[Stack], Joint]


def soft_pool(stack: Stack) -> Joint:
    """Return the arithmetic mean."""
    return soft_vote(stack, [])


def hard_pool(stack: Stack) -> Joint:
    """Return the shares of trials that put a class first, ties decided by the arithmetic mean."""
    return hard_vote(stack, [])


def log_pool(stack: Stack) -> Joint:
    """Return the geometric mean, made to sum to 1: the logarithmic opinion pool.

    A class that one trial rules out stays ruled out, where in the arithmetic mean the others
    outvote it (Genest & Zidek 1986, https://doi.org/10.1214/ss/1177013825).
    """
    return softmax(logarithms(stack).mean(axis=0), axis=-1)


def rank_pool(stack: Stack) -> Joint:
    """Return shares of Borda's count: each trial ranks the 18 classes of an image.

    The mean probabilities decide between equal counts: they are less than one rank of one trial.
    """
    points = rankdata(stack, axis=-1).sum(axis=0) + soft_pool(stack) / 2
    return points / points.sum(axis=-1, keepdims=True)
