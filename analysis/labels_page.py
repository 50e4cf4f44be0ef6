"""What do persons look like whose labels look wrong? One HTML page with their faces."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.pages import render
from analysis.sheets import data_uri, readable_face
from analysis.suspects import Suspect
from trainable.image_files import DataFolder
from trainable.labels import decode

TEMPLATE = Path(__file__).with_name("labels.html.jinja")
UNMASKED = (2, 1)
"""Mask classes whose images are shown: normal and incorrect_mask tell most of a face."""
HEADINGS = ("normal", "incorrect_mask")


def labels_page(
    name: str,
    found: Sequence[Suspect],
    images: pd.DataFrame,
    folder: DataFolder,
    sentences: Sequence[str],
) -> str:
    """Return the page of an experiment's suspects; faces that cannot be read are left blank."""
    files = _files_by_person(images)
    shown = [(one, [_uri(folder, file) for file in files.get(one.person, ())]) for one in found]
    part = {"name": name, "suspects": shown, "headings": HEADINGS, "sentences": sentences}
    return render(TEMPLATE, part)


def _files_by_person(images: pd.DataFrame) -> Mapping[str, list[str]]:
    masks = decode(images["label"].to_numpy("int64"))["mask"]
    rows = zip(images["person"].map(str), masks.tolist(), images["image"].map(str), strict=True)
    files = {(person, mask): image for person, mask, image in rows}
    persons = images["person"].map(str).unique()
    return {
        person: [files[person, mask] for mask in UNMASKED if (person, mask) in files]
        for person in persons
    }


def _uri(folder: DataFolder, image: str) -> str:
    pixels = readable_face(folder, image)
    return "" if pixels is None else data_uri(pixels)
