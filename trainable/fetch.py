"""How does a data folder that is in a bucket come to this machine? Once, into its cache."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from upath import UPath

from trainable.cache import built_once, cache_folder
from trainable.locations import folder_named
from trainable.settings import UserError

KIND = "data"
"""Below the cache: copies of data folders."""
CONTENT, SOURCE = "content", "source.json"
"""In a copy: the data folder, and what it was copied from."""

Objects = Mapping[str, str]
"""Name below the folder -> what changes when the object does: its size and ETag."""


@dataclass(frozen=True)
class _Copy:
    folder: Path
    objects: Objects


def local_folder(text: str) -> Path:
    """Return the data folder that a word names, or this machine's copy of one in a bucket.

    Objects that have changed in the bucket are fetched anew, into another copy: who reads the one
    before is not disturbed. Raises UserError where the bucket or folder cannot be read.
    """
    place = folder_named(text)
    if isinstance(place, Path):
        return place
    objects = _objects(text, place)
    asked = [text, *(f"{name} {state}" for name, state in sorted(objects.items()))]
    return built_once(KIND, asked, partial(_fetch, text, place, objects)) / CONTENT


def copy_of(text: str) -> Path:
    """Return the data folder that a word names, or what was last fetched of it: nothing is now.

    It need not exist.
    """
    if "://" not in text:
        return Path(text)
    copies = sorted(_copies(text), key=lambda copy: copy.folder.stat().st_mtime)
    return copies[-1].folder / CONTENT if copies else Path(text)


def _objects(text: str, place: UPath) -> Objects:
    listed = _asked(text, place, "find", place.path, detail=True)
    below = _below(place)
    found = {
        path.removeprefix(below): f"{info['size']} {info['ETag']}"
        for path, info in listed.items()
        if path.startswith(below) and not path.endswith("/")  # which only marks a folder
    }
    if not found:
        raise UserError(f"data.root={text}: there is nothing below that name in the bucket")
    for name in found:
        if {"", ".", ".."} & set(name.split("/")):
            raise UserError(f"data.root={text}: {name!r} is no name of a file below a folder")
    return found


def _fetch(text: str, place: UPath, objects: Objects, folder: Path) -> None:
    wanted = dict(objects)
    for before in _copies(text):
        for name in [name for name, state in before.objects.items() if wanted.get(name) == state]:
            os.link(before.folder / CONTENT / name, _made(folder / CONTENT / name))
            del wanted[name]
    remote = [_below(place) + name for name in wanted]
    _asked(text, place, "get", remote, [str(_made(folder / CONTENT / name)) for name in wanted])
    if _objects(text, place) != objects:
        raise UserError(f"data.root={text} has changed while it was fetched: try again")
    (folder / SOURCE).write_text(json.dumps({"source": text, "objects": objects}))


def _copies(text: str) -> Iterator[_Copy]:
    """Yield what was fetched of the same folder before."""
    for file in (cache_folder() / KIND).glob(f"[!.]*/{SOURCE}"):
        kept = json.loads(file.read_text())
        if kept["source"] == text:
            yield _Copy(file.parent, kept["objects"])


def _made(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _below(place: UPath) -> str:
    return f"{place.path.rstrip('/')}/"


def _asked(text: str, place: UPath, method: str, *words: Any, **named: Any) -> Any:
    try:
        return getattr(cast(Any, place.fs), method)(*words, **named)
    except OSError as error:
        raise UserError(f"data.root={text}: {error}") from None
