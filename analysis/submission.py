"""What is handed in, and what would it have scored? submission.csv, and answers where known."""

import io

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trainable.files import write_text
from trainable.image_files import DataFolder
from trainable.labels import CLASS_COUNT
from trainable.locations import Location
from trainable.settings import UserError, is_file_name
from trainable.spreadsheet import FORMULA
from trainable.store import ExperimentFolder
from trainable.stored import read_bytes

IMAGE, ANSWER = "ImageID", "ans"
"""The columns of the competition's info.csv and of answers.csv."""
SUBMISSION = "submission.csv"
"""Its usual name, in the experiment's folder."""


def images_to_answer(folder: ExperimentFolder) -> pd.DataFrame:
    """Return the experiment's eval images in the order of the submission.

    Raises UserError where there are none, or where they are not named by ``ImageID``.
    """
    images = folder.read_eval_images()
    if IMAGE not in images:
        raise UserError(f"the eval images of {folder.path} have no column {IMAGE}")
    if images.empty:
        raise UserError(f"{folder.name} has no eval images, so there is nothing to submit")
    bad = images[IMAGE][~images[IMAGE].map(_is_harmless)]
    if not bad.empty:
        raise UserError(
            f"the eval images of {folder.path} have a name that a spreadsheet or a terminal would "
            f"obey: {bad.iloc[0][:100]!r}"
        )
    return images


def _is_harmless(image: object) -> bool:
    return isinstance(image, str) and is_file_name(image) and not image.startswith(FORMULA)


def write_submission(path: Location, images: pd.DataFrame, predicted: NDArray[np.integer]) -> None:
    """Write the names of ``images`` and their predicted class (N,), whole or not at all."""
    table = pd.DataFrame({IMAGE: images[IMAGE], ANSWER: predicted})
    write_text(path, table.to_csv(index=False))


def held_out_answers(folder: DataFolder, images: pd.DataFrame) -> NDArray[np.int64] | None:
    """Return the true class (N,) of each eval image, None where the data has no answers.csv.

    Raises UserError where answers.csv does not give one class to each image, or lies elsewhere.
    """
    try:
        file = folder.file("eval/answers.csv")
    except ValueError as error:
        raise UserError(f"{folder.root}: {error}") from None
    if not file.exists():
        return None
    answers = read_answers(file)
    missing = images.loc[~images[IMAGE].isin(answers.index), IMAGE]
    if len(missing):
        raise UserError(
            f"{file} has no answer for {len(missing)} of the {len(images)} eval images, "
            f"among them {missing.iloc[0]}"
        )
    return np.asarray(answers.loc[images[IMAGE]], np.int64)


def read_answers(file: Location) -> "pd.Series[int]":
    """Return the class of each image of a file like submission.csv, by ImageID.

    Raises UserError where it lacks a column, names an image twice, or gives no class from 0 to 17.
    """
    try:
        table = pd.read_csv(io.BytesIO(read_bytes(file)), dtype={IMAGE: str, ANSWER: "Int64"})
        answers = table.set_index(IMAGE)[ANSWER].astype(np.int64)
    except (KeyError, OSError, OverflowError, TypeError, ValueError) as error:
        raise UserError(f"cannot read {file} as columns {IMAGE},{ANSWER}: {error}") from None
    if not answers.index.is_unique:
        raise UserError(f"{file} names {answers.index[answers.index.duplicated()][0]} twice")
    if not answers.between(0, CLASS_COUNT - 1).all():
        raise UserError(f"{file}: {ANSWER} must be a class from 0 to {CLASS_COUNT - 1}")
    return answers
