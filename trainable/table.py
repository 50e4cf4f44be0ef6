"""Which images are there, of whom, and are they as the competition lays them out?"""

import os
import reprlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trainable.image_files import leads_out
from trainable.labels import GENDERS, MASK_OF_IMAGE, age_class, encode
from trainable.settings import UserError, is_file_name
from trainable.spreadsheet import FORMULA

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
PERSON_COLUMNS = ("id", "gender", "race", "age", "path")
IMAGE_COLUMNS = ("image", "person", "id", "gender", "age", "mask")
LISTED = 5
"""How many culprits an error names before it counts the rest."""
MOST_BYTES = 100_000_000
"""A larger table is refused unread."""
_SHOWN = reprlib.Repr()
_SHOWN.maxstring, _SHOWN.maxlist = 120, 12


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


def read_table(root: Path, *, follow_links: bool = False) -> FaceTable:
    """Read and check a data folder; raise UserError naming what is wrong and where.

    Links may lead out of the folder only with ``follow_links``.
    """
    if not root.is_dir():
        raise UserError(f"data.root={root}: there is no such folder")
    bound = None if follow_links else root
    _refuse_leading_out([root / "train" / "train.csv", root / "eval" / "info.csv"], bound)
    persons = _read_persons(root / "train" / "train.csv")
    rows = [row for person in persons.itertuples() for row in _person_images(root, person, bound)]
    images = pd.DataFrame(rows, columns=pd.Index(IMAGE_COLUMNS))
    images["label"] = encode(images["mask"], images["gender"], age_class(images["age"]))
    return FaceTable(root, images, _read_eval(root / "eval", bound))


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
        raise UserError(f"{file} is missing, or no file")
    if file.stat().st_size > MOST_BYTES:
        raise UserError(f"{file} has more than {MOST_BYTES / 1e6:.0f} MB: no table of persons has")
    try:
        table = pd.read_csv(
            file, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no table of comma-separated values: {error}") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        found = _SHOWN.repr(list(table.columns))
        raise UserError(f"{file} lacks the column {listed(missing)}; it has {found}")
    table = table[(table != "").any(axis=1)]
    if table.empty:
        raise UserError(f"{file} has no rows")
    return table


def refuse_rows(file: Path, bad: "pd.Series[str]", complaint: str) -> None:
    """Raise UserError naming the line and value of each ``bad`` cell that ``read_csv`` read."""
    if not bad.empty:
        lines = [f"line {int(str(row)) + 2}: {_SHOWN.repr(value)}" for row, value in bad.items()]
        raise UserError(f"{file}: {complaint}: {listed(lines)}")


def _read_persons(file: Path) -> pd.DataFrame:
    persons = read_csv(file, PERSON_COLUMNS)
    refuse_rows(file, persons["path"][persons["path"].duplicated()], "path occurs twice")
    refuse_rows(file, persons["path"][~persons["path"].map(is_file_name)], "path is no folder name")
    refuse_rows(file, persons["id"][~persons["id"].map(str.isprintable)], "id cannot be printed")
    for column in ("path", "id"):
        runs = persons[column].str.startswith(FORMULA)
        refuse_rows(file, persons[column][runs], f"{column} is a formula to a spreadsheet")
    refuse_rows(
        file, persons["gender"][~persons["gender"].isin(GENDERS)], "gender is not male, female"
    )
    ages = pd.to_numeric(persons["age"], errors="coerce")
    refuse_rows(file, persons["age"][~ages.between(0, 120)], "age is no number from 0 to 120")
    return persons.assign(age=ages, gender=persons["gender"].map(GENDERS))


def _person_images(
    root: Path, person: object, bound: Path | None
) -> list[tuple[str, str, str, int, float, int]]:
    path, id_, gender, age = (getattr(person, name) for name in ("path", "id", "gender", "age"))
    folder = root / "train" / "images" / path
    files = _images_by_name(folder, bound)
    missing = [name for name in MASK_OF_IMAGE if name not in files]
    if missing:
        raise UserError(f"{folder} lacks the image {listed(missing)}")
    return [
        (f"train/images/{path}/{files[name]}", path, id_, gender, age, mask)
        for name, mask in MASK_OF_IMAGE.items()
    ]


def _images_by_name(folder: Path, bound: Path | None) -> dict[str, str]:
    if not folder.is_dir():
        raise UserError(f"{folder}: train.csv lists this person, but there is no such folder")
    files = [name for name in _names_in(folder, bound) if not name.startswith(".")]
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


def _names_in(folder: Path, bound: Path | None) -> list[str]:
    """Return what a folder holds; UserError where it, or a link in it, leads out of ``bound``."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    links = [folder / entry.name for entry in entries if entry.is_symlink()]
    _refuse_leading_out([folder, *links], bound)
    return [entry.name for entry in entries]


def _refuse_leading_out(paths: Iterable[Path], bound: Path | None) -> None:
    out = [str(path) for path in paths if bound and leads_out(bound, path)]
    if out:
        raise UserError(
            f"{listed(out)} leads out of the data folder {bound}: data.follow_links=true allows it"
        )


def _read_eval(folder: Path, bound: Path | None) -> pd.DataFrame:
    file, images = folder / "info.csv", folder / "images"
    names = read_csv(file, ("ImageID",))["ImageID"]
    refuse_rows(file, names[names.duplicated()], "image twice")
    refuse_rows(file, names[~names.map(is_file_name)], "no file name")
    refuse_rows(file, names[names.str.startswith(FORMULA)], "a formula to a spreadsheet")
    if not images.is_dir():
        raise UserError(f"{images}: there is no such folder")
    present = set(_names_in(images, bound))
    missing = [name for name in names if name not in present]
    if missing:
        raise UserError(f"{images} lacks images that info.csv lists: {listed(missing)}")
    names = names.reset_index(drop=True)
    return pd.DataFrame({"ImageID": names, "image": "eval/images/" + names})
