"""What do the images of one person say together? Gender and age are the person's, masks not."""

import numpy as np
from scipy.special import softmax

from analysis.ensembles.evidence import Joint, logarithms
from analysis.grouping.groups import Groups
from trainable.labels import join_tasks, task_probabilities

OF_PERSONS = ("gender", "age")


def decided_together(joint: Joint, groups: Groups) -> Joint:
    """Return probabilities (N, 18) with the gender and age of each image's group.

    They are the geometric mean over the group's images, so as sharp as one image's: a decision rule
    that was fitted to single images stays right.
    """
    said = task_probabilities(joint)
    return join_tasks(said | {task: _means(said[task], groups) for task in OF_PERSONS})


def _means(probabilities: Joint, groups: Groups) -> Joint:
    """Return (N, C): the geometric mean of each image's group."""
    sums = np.zeros((groups.max() + 1, probabilities.shape[1]))
    np.add.at(sums, groups, logarithms(probabilities))
    return softmax(sums / np.bincount(groups)[:, np.newaxis], axis=-1)[groups]
