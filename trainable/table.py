"""Which images are there, of whom, and are they as the competition lays them out?"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trainable.labels import GENDERS, MASK_OF_IMAGE, age_class, encode
from trainable.settings import UserError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
PERSON_COLUMNS = ("id", "gender", "race", "age", "path")
IMAGE_COLUMNS = ("image", "person", "id", "gender", "age", "mask")
LISTED = 5
"""How many culprits an error names before it counts the rest."""


@dataclass(frozen=True)
class FaceTable:
    """The training images (one row each) and the eval images of a data folder.

    ``images`` has the columns image (path below ``root``), person, id (several persons may share
    one), gender (0, 1), age (years), mask (0-2) and label (the true class of 18); ``eval_images``
    has ImageID and image.
    """

    root: Path
    images: pd.DataFrame
    eval_images: pd.DataFrame


def read_table(root: Path) -> FaceTable:
    """Read and check a data folder; raise UserError naming what is wrong and where."""
    if not root.is_dir():
        raise UserError(f"data.root={root}: there is no such folder")
    persons = _read_persons(root / "train" / "train.csv")
    rows = [row for person in persons.itertuples() for row in _person_images(root, person)]
    images = pd.DataFrame(rows, columns=pd.Index(IMAGE_COLUMNS))
    images["label"] = encode(images["mask"], images["gender"], age_class(images["age"]))
    return FaceTable(root, images, _read_eval(root / "eval"))


def listed(names: Iterable[str]) -> str:
    """Return the first few names and how many more there are."""
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def read_csv(file: Path, columns: Iterable[str]) -> pd.DataFrame:
    """Return a file's rows as text, without blank lines; UserError if it lacks one of ``columns``.

    Row i of the index is line i + 2 of the file.
    """
    if not file.is_file():
        raise UserError(f"{file} is missing")
    try:
        table = pd.read_csv(
            file, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no table of comma-separated values: {error}") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise UserError(f"{file} lacks the column {listed(missing)}; it has {list(table.columns)}")
    table = table[(table != "").any(axis=1)]
    if table.empty:
        raise UserError(f"{file} has no rows")
    return table


def refuse_rows(file: Path, bad: "pd.Series[str]", complaint: str) -> None:
    """Raise UserError naming the line and value of each ``bad`` cell that ``read_csv`` read."""
    if not bad.empty:
        lines = [f"line {int(str(row)) + 2}: {value!r}" for row, value in bad.items()]
        raise UserError(f"{file}: {complaint}: {listed(lines)}")


def _read_persons(file: Path) -> pd.DataFrame:
    persons = read_csv(file, PERSON_COLUMNS)
    refuse_rows(file, persons["path"][persons["path"].duplicated()], "path occurs twice")
    refuse_rows(
        file, persons["path"][persons["path"].map(_leaves_folder)], "path is no folder name"
    )
    refuse_rows(
        file, persons["gender"][~persons["gender"].isin(GENDERS)], "gender is not male, female"
    )
    ages = pd.to_numeric(persons["age"], errors="coerce")
    refuse_rows(file, persons["age"][~ages.between(0, 120)], "age is no number from 0 to 120")
    return persons.assign(age=ages, gender=persons["gender"].map(GENDERS))


def _leaves_folder(name: str) -> bool:
    return Path(name).name != name or name in ("", ".", "..")


def _person_images(root: Path, person: object) -> list[tuple[str, str, str, int, float, int]]:
    path, id_, gender, age = (getattr(person, name) for name in ("path", "id", "gender", "age"))
    folder = root / "train" / "images" / path
    files = _images_by_name(folder)
    missing = [name for name in MASK_OF_IMAGE if name not in files]
    if missing:
        raise UserError(f"{folder} lacks the image {listed(missing)}")
    return [
        (f"train/images/{path}/{files[name]}", path, id_, gender, age, mask)
        for name, mask in MASK_OF_IMAGE.items()
    ]


def _images_by_name(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise UserError(f"{folder}: train.csv lists this person, but there is no such folder")
    files = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    images = [Path(name) for name in files if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    unknown = sorted(set(files) - {image.name for image in images})
    unknown += [image.name for image in images if image.stem not in MASK_OF_IMAGE]
    if unknown:
        raise UserError(
            f"{folder} holds {listed(unknown)}, which is none of the images "
            f"{', '.join(MASK_OF_IMAGE)} ({', '.join(IMAGE_SUFFIXES)})"
        )
    twice = [stem for stem, count in Counter(image.stem for image in images).items() if count > 1]
    if twice:
        raise UserError(f"{folder} has two images called {listed(twice)}; keep one of each")
    return {image.stem: image.name for image in images}


def _read_eval(folder: Path) -> pd.DataFrame:
    file, images = folder / "info.csv", folder / "images"
    names = read_csv(file, ("ImageID",))["ImageID"]
    refuse_rows(file, names[names.duplicated()], "image twice")
    refuse_rows(file, names[names.map(_leaves_folder)], "no file name")
    if not images.is_dir():
        raise UserError(f"{images}: there is no such folder")
    present = {entry.name for entry in images.iterdir()}
    missing = [name for name in names if name not in present]
    if missing:
        raise UserError(f"{images} lacks images that info.csv lists: {listed(missing)}")
    names = names.reset_index(drop=True)
    return pd.DataFrame({"ImageID": names, "image": "eval/images/" + names})
