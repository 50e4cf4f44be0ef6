"""How many persons and images are there of each kind?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trainable.dataset import FaceData, unreadable_images
from trainable.labels import CLASS_NAMES, GENDERS, TASK_CLASSES, TASKS, decode
from trainable.settings import UserError


@dataclass(frozen=True)
class Group:
    """The persons and images of one kind."""

    name: str
    persons: int
    images: int


@dataclass(frozen=True)
class Counts:
    """What a data folder holds; images that cannot be read are counted in ``unreadable`` alone.

    ``tasks`` has the classes of mask, gender and age, ``classes`` the 18 joint ones; ``brackets``
    (gender -> age bracket) and ``years`` (index: years of age, columns: genders) count persons.
    """

    total: Group
    tasks: dict[str, list[Group]]
    classes: list[Group]
    brackets: dict[str, dict[str, int]]
    years: pd.DataFrame
    eval_images: int
    unreadable: list[tuple[str, str]]


def count(data: FaceData) -> Counts:
    """Count the persons and images of a data folder; UserError where none can be read."""
    images = data.images.drop(index=list(data.cache.unreadable))
    if images.empty:
        name, reason = unreadable_images(data)[0]
        raise UserError(f"no training image of {data.root} can be read: {name} ({reason})")
    persons = images.drop_duplicates("person")
    parts = decode(images["label"])
    return Counts(
        total=Group("all", len(persons), len(images)),
        tasks={task: _groups(images, parts[task], TASK_CLASSES[task]) for task in TASKS},
        classes=_groups(images, images["label"].to_numpy(), CLASS_NAMES),
        brackets=_brackets(persons),
        years=_years(persons),
        eval_images=len(data.eval_images) - len(data.eval_cache.unreadable),
        unreadable=unreadable_images(data),
    )


def _groups(images: pd.DataFrame, kinds: NDArray[np.int64], names: Sequence[str]) -> list[Group]:
    found = images["person"].groupby(kinds).agg(["nunique", "size"])
    found = found.reindex(range(len(names)), fill_value=0)
    return [
        Group(name, int(persons), int(size))
        for name, (persons, size) in zip(names, found.to_numpy(), strict=True)
    ]


def _brackets(persons: pd.DataFrame) -> dict[str, dict[str, int]]:
    parts = decode(persons["label"])
    return {
        gender: {
            bracket: int(((parts["gender"] == g) & (parts["age"] == a)).sum())
            for a, bracket in enumerate(TASK_CLASSES["age"])
        }
        for g, gender in enumerate(TASK_CLASSES["gender"])
    }


def _years(persons: pd.DataFrame) -> pd.DataFrame:
    years = persons["age"].astype(int)
    table = pd.crosstab(years, persons["gender"])
    table = table.reindex(columns=list(GENDERS.values()), fill_value=0)
    return table.set_axis(list(GENDERS), axis=1)
