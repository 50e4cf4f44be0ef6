"""How are trials brought to one scale before they are pooled? By what each predicts on average.

A trial trained with class weights gives rare classes more probability than one without. Averaged as
they are, one of the two drowns the other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from analysis.ensembles.evidence import Joint, Stack, logarithms
from trainable.labels import CLASS_COUNT, TASKS, decode, task_probabilities

POWER = 0.5
"""Half way from the trial's own shares of classes to equal ones; LOG.md has the comparison."""


def levels(stack: Stack) -> NDArray[np.floating[Any]]:
    """Return (M, 18): what to add to each trial's logarithms, from its mean probabilities by task.

    No true class is looked at. Dividing by a prior to a power is the logit adjustment of Menon et
    al. 2021 (https://arxiv.org/abs/2007.07314), here with the prior that a trial itself predicts.
    """
    return np.stack([_level(joint) for joint in stack])


def levelled(stack: Stack, added: NDArray[np.floating[Any]]) -> Stack:
    """Return the probabilities (M, N, 18) after ``added`` (M, 18) to their logarithms."""
    return softmax(logarithms(stack) + added[:, np.newaxis], axis=-1)


def _level(joint: Joint) -> NDArray[np.floating[Any]]:
    parts = decode(np.arange(CLASS_COUNT))
    shares = {task: part.mean(axis=0) for task, part in task_probabilities(joint).items()}
    logs = [logarithms(shares[task])[parts[task]] for task in TASKS]
    return -POWER * np.sum(logs, axis=0)
