"""Which validation images are predicted most wrongly, and what stands under them?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestrator.photo_sheet import Line, Tile, read_photo
from trainable.arrays import Probabilities
from trainable.image_files import read_image
from trainable.labels import TASK_CLASSES, TASKS, decode, task_probabilities

Parts = Mapping[str, NDArray[np.integer]]
"""Task -> classes (N,)."""
SHOWN = 32
"""Images, so that a picture stays one that is looked at."""


def worst(
    images: pd.DataFrame, validation: Probabilities, tasks: Sequence[str] = TASKS
) -> NDArray[np.intp]:
    """Return which predictions are most wrong, the worst first: positions in ``validation``.

    A prediction is as wrong as a task's wrong answer is likelier than the true one, of the task
    where that is most. Of a person only the worst is taken: seven images often share one mistake.
    """
    answers = task_probabilities(validation.values.astype(np.float32))
    true, found = true_and_found(images, validation)
    everyone = np.arange(len(validation.rows))
    gaps = [
        answers[task][everyone, found[task]] - answers[task][everyone, true[task]] for task in tasks
    ]
    is_wrong = [found[task] != true[task] for task in tasks]
    badness = pd.Series(np.where(is_wrong, gaps, -np.inf).max(axis=0))
    badness = badness[np.any(is_wrong, axis=0)].sort_values(ascending=False, kind="stable")
    persons = images["person"].to_numpy()[validation.rows[badness.index]]
    return badness.index.to_numpy()[~pd.Series(persons).duplicated()][:SHOWN]


def wrong_faces(
    images: pd.DataFrame, validation: Probabilities, root: Path, tasks: Sequence[str] = TASKS
) -> list[Tile]:
    """Return the most wrongly predicted images below ``root``, one a person, the worst first."""
    answers = task_probabilities(validation.values.astype(np.float32))
    true, found = true_and_found(images, validation)
    tiles = list[Tile]()
    for place in worst(images, validation, tasks):
        image = images.loc[validation.rows[place]]
        file = root / str(image["image"])
        lines = [Line(f"{image['id']} {file.stem}, {image['age']:g} years")]
        for task in tasks:
            names, answer = TASK_CLASSES[task], found[task][place]
            share = answers[task][place, answer]
            text = f"{task}: {names[true[task][place]]} → {names[answer]} {share:.2f}"
            lines.append(Line(text, is_wrong=answer != true[task][place]))
        tiles.append(Tile(read_photo(read_image(file)), lines))
    return tiles


def true_and_found(images: pd.DataFrame, validation: Probabilities) -> tuple[Parts, Parts]:
    """Return the true and the predicted classes of each task."""
    labels = images["label"].to_numpy()[validation.rows]
    return decode(labels), decode(validation.values.argmax(axis=1))
