"""How do mask, gender and age make one of 18 classes, and back?"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

TASKS = ("mask", "gender", "age")
TASK_CLASSES: Mapping[str, tuple[str, ...]] = {
    "mask": ("worn", "incorrect", "not worn"),
    "gender": ("male", "female"),
    "age": ("<30", "30-59", ">=60"),
}
TASK_SIZES = tuple(len(TASK_CLASSES[task]) for task in TASKS)
CLASS_COUNT = 18
CLASS_NAMES = tuple(
    f"{mask}, {gender}, {age}"
    for mask in TASK_CLASSES["mask"]
    for gender in TASK_CLASSES["gender"]
    for age in TASK_CLASSES["age"]
)
MIDDLE_AGE, OLD_AGE = 30, 60

MASK_OF_IMAGE: Mapping[str, int] = {
    **{f"mask{i}": 0 for i in range(1, 6)},
    "incorrect_mask": 1,
    "normal": 2,
}
"""Image file name without extension -> mask class."""
GENDERS: Mapping[str, int] = {"male": 0, "female": 1}


def age_class(ages: ArrayLike, cutoff: int = OLD_AGE) -> NDArray[np.int64]:
    """Return 0 below 30, 2 from ``cutoff`` years on and 1 between; same shape as ``ages``."""
    years = np.asarray(ages)
    return (years >= MIDDLE_AGE).astype(np.int64) + (years >= cutoff)


def encode(mask: ArrayLike, gender: ArrayLike, age: ArrayLike) -> NDArray[np.int64]:
    """Return the class ``mask * 6 + gender * 3 + age`` of each image."""
    return np.asarray(mask, np.int64) * 6 + np.asarray(gender) * 3 + np.asarray(age)


def decode(labels: ArrayLike) -> dict[str, NDArray[np.int64]]:
    """Return the mask, gender and age class of each joint class."""
    parts = np.unravel_index(np.asarray(labels), TASK_SIZES)
    return dict(zip(TASKS, parts, strict=True))


def task_probabilities(joint: NDArray[np.floating]) -> dict[str, NDArray[np.floating]]:
    """Sum joint probabilities (N, 18) to those of mask (N, 3), gender (N, 2) and age (N, 3)."""
    cube = joint.reshape(-1, *TASK_SIZES)
    others = {"mask": (2, 3), "gender": (1, 3), "age": (1, 2)}
    return {task: cube.sum(axis=axes) for task, axes in others.items()}


def join_tasks(parts: Mapping[str, NDArray[np.floating]]) -> NDArray[np.floating]:
    """Return joint probabilities (N, 18): the product of mask (N, 3), gender (N, 2), age (N, 3)."""
    product = np.einsum("nm,ng,na->nmga", *(parts[task] for task in TASKS))
    return product.reshape(len(product), CLASS_COUNT)
