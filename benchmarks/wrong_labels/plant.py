"""How is a copy of a data folder made in which some labels are wrong, and it is known which?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trainable.labels import GENDERS, decode, encode
from trainable.table import PERSON_COLUMNS, read_csv

SWAPPED = {"normal": "incorrect_mask", "incorrect_mask": "normal"}


@dataclass(frozen=True)
class Planted:
    """Persons (by path) whose gender is wrong, and whose two images are swapped, in a copy."""

    gender: frozenset[str]
    swapped: frozenset[str]


def plant(root: Path, copy: Path, share: float, seed: int) -> Planted:
    """Copy a data folder, its images by links, and make some labels wrong.

    ``share`` of the persons get the other gender, and half as many other persons have their normal
    and incorrect_mask images swapped: nobody both. Also a network trains on them.
    """
    persons = read_csv(root / "train" / "train.csv", PERSON_COLUMNS)
    planted = _drawn(persons["path"], share, seed)
    (copy / "train" / "images").mkdir(parents=True)
    (copy / "eval").symlink_to((root / "eval").resolve())
    _with_wrong_genders(persons, planted).to_csv(copy / "train" / "train.csv", index=False)
    for path in persons["path"]:
        _link_images(root / "train" / "images" / path, copy, is_swapped=path in planted.swapped)
    return planted


def plant_in_table(images: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, Planted]:
    """Return a stored table of images with as many wrong labels, on which no network trained."""
    planted = _drawn(images["person"].drop_duplicates(), share, seed)
    parts = decode(images["label"].to_numpy(np.int64))
    wrong, swapped = (images["person"].isin(one) for one in (planted.gender, planted.swapped))
    gender = np.where(wrong, 1 - parts["gender"], parts["gender"])
    mask = np.where(swapped & (parts["mask"] > 0), 3 - parts["mask"], parts["mask"])
    return images.assign(label=encode(mask, gender, parts["age"])), planted


def _drawn(persons: "pd.Series[str]", share: float, seed: int) -> Planted:
    drawn = np.random.default_rng(seed).permutation(persons)
    flips = round(share * len(persons))
    return Planted(frozenset(drawn[:flips]), frozenset(drawn[flips : flips + flips // 2]))


def _with_wrong_genders(persons: pd.DataFrame, planted: Planted) -> pd.DataFrame:
    first, second = GENDERS
    other = persons["gender"].map({first: second, second: first})
    return persons.assign(
        gender=persons["gender"].mask(persons["path"].isin(planted.gender), other)
    )


def _link_images(person: Path, copy: Path, *, is_swapped: bool) -> None:
    folder = copy / "train" / "images" / person.name
    folder.mkdir()
    for file in _images(person):
        stem = SWAPPED.get(file.stem, file.stem) if is_swapped else file.stem
        (folder / f"{stem}{file.suffix}").symlink_to(file.resolve())


def _images(person: Path) -> Sequence[Path]:
    return [file for file in person.iterdir() if not file.name.startswith(".")]
