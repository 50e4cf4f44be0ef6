"""Which training labels are known to be wrong, and what are the right ones?

A table of id, field, value corrects them: ``id`` is a person's path, or the id where only one
person has it; ``field`` is gender, age, or one of the seven images, whose ``value`` is then how
the mask is worn.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from trainable.labels import GENDERS, MASK_OF_IMAGE, TASK_CLASSES, age_class, encode
from trainable.sections.data import KNOWN_FIXES
from trainable.settings import UserError
from trainable.table import listed, read_csv

KNOWN_FILE = Path(__file__).with_name("known_label_fixes.csv")
COLUMNS = ("id", "field", "value")
FIELDS = ("gender", "age", *MASK_OF_IMAGE)
MASKS: Mapping[str, int] = {name: number for number, name in enumerate(TASK_CLASSES["mask"])}
OLDEST = 120


class LabelFix(NamedTuple):
    """The right value of a person's gender (0, 1) or age (years), or of an image's mask (0-2)."""

    person: str
    field: str
    value: float


def fixed_images(images: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Return a copy of the table of training images, corrected as ``data.label_fixes`` says."""
    if not setting:
        return images
    file = KNOWN_FILE if setting == KNOWN_FIXES else Path(setting)
    if not file.exists():
        raise UserError(
            f"data.label_fixes={setting}: there is no such file; write the path of a CSV, or "
            f"{KNOWN_FIXES}"
        )
    table = read_csv(file, COLUMNS)
    if setting == KNOWN_FIXES and not _is_competition(images, table):
        print(
            "data.label_fixes=known: these are not the competition's own images, nothing was "
            "corrected",
            file=sys.stderr,
        )
        return images
    return _corrected(images, _read_fixes(file, table, _persons_by_name(images)))


def _corrected(images: pd.DataFrame, fixes: Iterable[LabelFix]) -> pd.DataFrame:
    corrected = images.copy()
    stems = images["image"].map(lambda image: Path(str(image)).stem)
    for fix in fixes:
        rows = images["person"] == fix.person
        column = fix.field
        if fix.field in MASK_OF_IMAGE:
            rows, column = rows & (stems == fix.field), "mask"
        corrected[column] = corrected[column].mask(rows, fix.value)
    corrected["label"] = encode(corrected["mask"], corrected["gender"], age_class(corrected["age"]))
    return corrected


def _is_competition(images: pd.DataFrame, known: pd.DataFrame) -> bool:
    """Whether every person of the known list is there, of the gender that the list corrects."""
    persons, genders = _persons_by_name(images), images.set_index("person")["gender"].to_dict()
    for row in known.itertuples():
        found = persons.get(str(row.id), set())
        if len(found) != 1:
            return False
        if row.field == "gender" and genders[min(found)] == GENDERS[str(row.value)]:
            return False
    return True


def _persons_by_name(images: pd.DataFrame) -> Mapping[str, set[str]]:
    """Return the persons whom each path, each id and each path's part before `_` can mean."""
    persons: dict[str, set[str]] = defaultdict(set)
    for row in images.drop_duplicates("person").itertuples():
        path = str(row.person)
        for name in (str(row.id), path.partition("_")[0]):
            persons[name].add(path)
    persons.update({path: {path} for path in images["person"]})
    return persons


def _read_fixes(file: Path, table: pd.DataFrame, persons: Mapping[str, set[str]]) -> list[LabelFix]:
    fixes: dict[tuple[str, str], LabelFix] = {}
    for row in table.itertuples():
        place = f"{file}, line {int(str(row.Index)) + 2}"
        person, field = _person(place, str(row.id), persons), str(row.field)
        if (person, field) in fixes:
            raise UserError(f"{place}: {field} of {person} is corrected twice; keep one of the two")
        fixes[person, field] = LabelFix(person, field, _value(place, field, str(row.value)))
    return list(fixes.values())


def _person(place: str, name: str, persons: Mapping[str, set[str]]) -> str:
    found = sorted(persons.get(name, ()))
    if not found:
        raise UserError(f"{place}: train.csv has no person with the id or path {name!r}")
    if len(found) > 1:
        raise UserError(f"{place}: {name!r} is the id of {listed(found)}: write the path instead")
    return found[0]


def _value(place: str, field: str, text: str) -> float:
    if field == "age":
        return _years(place, text)
    if field not in FIELDS:
        raise UserError(f"{place}: the field {field!r} is none of {', '.join(FIELDS)}")
    allowed = GENDERS if field == "gender" else MASKS
    if text not in allowed:
        raise UserError(f"{place}: {field} {text!r} is none of {', '.join(allowed)}")
    return allowed[text]


def _years(place: str, text: str) -> float:
    try:
        age = float(text)
    except ValueError:
        age = -1
    if not 0 <= age <= OLDEST:
        raise UserError(f"{place}: age {text!r} is no number from 0 to {OLDEST}")
    return age
