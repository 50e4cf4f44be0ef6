"""How do several models answer together?

Models are stacked as probabilities (M, N, 18) of the same N images; the answer is again
probabilities (N, 18), so that what voted can be stored, and vote again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainable.labels import TASKS, join_tasks, task_probabilities

Vote = Literal["soft", "hard", "task"]
Tasks = tuple[str, ...]
Stack = NDArray[np.floating]


def soft_vote(stack: Stack, answered: Sequence[Tasks]) -> Stack:
    """Return the mean probabilities (N, 18)."""
    return stack.mean(axis=0)


def hard_vote(stack: Stack, answered: Sequence[Tasks]) -> Stack:
    """Return the shares (N, 18) of models that put a class first.

    The mean probabilities count as one vote more: too little to overcome a majority, enough to
    decide a tie.
    """
    classes = np.arange(stack.shape[-1])
    votes = (stack.argmax(axis=-1)[..., np.newaxis] == classes).sum(axis=0)
    return (votes + stack.mean(axis=0)) / (len(stack) + 1)


def task_vote(stack: Stack, answered: Sequence[Tasks]) -> Stack:
    """Return the product (N, 18) of mask, gender and age, each a mean over its voters.

    ``answered`` lists the tasks of each model. Models trained for a task alone vote on it; if there
    are none, all that answer it. A task that nobody answers stays undecided.
    """
    joined: dict[str, Stack] = {}
    for task in TASKS:
        alone = [model for model, tasks in zip(stack, answered, strict=True) if tasks == (task,)]
        voters = [model for model, tasks in zip(stack, answered, strict=True) if task in tasks]
        chosen = alone or voters or list(stack)
        joined[task] = np.mean([task_probabilities(model)[task] for model in chosen], axis=0)
    return join_tasks(joined)


VOTES: Mapping[Vote, Callable[[Stack, Sequence[Tasks]], Stack]] = {
    "soft": soft_vote,
    "hard": hard_vote,
    "task": task_vote,
}
