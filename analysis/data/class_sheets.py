"""Who is in each of the 18 classes? A contact sheet of faces for each."""

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.sheets import Sheet, face, make_sheet
from trainable.labels import CLASS_COUNT


def class_sheets(root: Path, images: pd.DataFrame, faces: int, seed: int) -> list[Sheet | None]:
    """Return a contact sheet for each of the 18 classes, None for a class without images.

    A sheet shows ``faces`` persons, chosen by ``seed``, in the order of their ages.
    """
    return [
        _class_sheet(
            root, images[images["label"] == label], faces, np.random.default_rng([seed, label])
        )
        for label in range(CLASS_COUNT)
    ]


def _class_sheet(
    root: Path, images: pd.DataFrame, faces: int, random: np.random.Generator
) -> Sheet | None:
    if images.empty:
        return None
    shuffled = images.iloc[random.permutation(len(images))].drop_duplicates("person")
    shown = shuffled.head(faces).sort_values("age", kind="stable")
    names = shown["image"].tolist()
    return make_sheet(
        [face(root / name) for name in names], names, [f"{age:g}" for age in shown["age"]]
    )
