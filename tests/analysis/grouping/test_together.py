import numpy as np
import pytest

from analysis.grouping.together import decided_together
from trainable.labels import decode, join_tasks, task_probabilities


def said(gender: float, old: float, mask: int) -> np.ndarray:
    """Return the joint probabilities (18,) of one image."""
    masks = np.full(3, 0.05)
    masks[mask] = 0.9
    ages = np.array([1 - old - 0.1, 0.1, old])
    parts = {"mask": masks, "gender": np.array([gender, 1 - gender]), "age": ages}
    return join_tasks({task: part[np.newaxis] for task, part in parts.items()})[0]


def test_sure_images_decide_gender_and_age_for_unsure_ones_of_the_same_person():
    joint = np.stack([said(0.95, 0.8, 0), said(0.45, 0.4, 1), said(0.1, 0.1, 2)])
    answers = decode(decided_together(joint, np.array([0, 0, 1])).argmax(axis=1))
    assert answers["gender"].tolist() == [0, 0, 1]
    assert answers["age"].tolist() == [2, 2, 0]


def test_each_image_keeps_its_own_mask():
    joint = np.stack([said(0.9, 0.1, mask) for mask in (0, 1, 2)])
    together = decided_together(joint, np.zeros(3, np.int64))
    before, after = task_probabilities(joint)["mask"], task_probabilities(together)["mask"]
    assert after == pytest.approx(before)


def test_group_is_as_sharp_as_its_images_by_their_geometric_mean():
    joint = np.stack([said(0.9, 0.1, 0), said(0.5, 0.1, 0)])
    male = task_probabilities(decided_together(joint, np.zeros(2, np.int64)))["gender"][:, 0]
    odds = np.sqrt((0.9 * 0.5) / (0.1 * 0.5))
    assert male == pytest.approx(odds / (1 + odds))


def test_images_alone_stay_as_they_are():
    joint = np.stack([said(0.9, 0.1, 0), said(0.2, 0.7, 2)])
    assert decided_together(joint, np.arange(2)) == pytest.approx(joint)
