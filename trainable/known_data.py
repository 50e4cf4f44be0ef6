"""Which data does a search train on, whatever becomes of their files meanwhile?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from trainable import cache
from trainable.config import DataConfig
from trainable.dataset import FaceData, load_data, loaded, loaded_as
from trainable.settings import UserError
from trainable.store import ExperimentFolder

KIND = "known"
"""Folder of data that were once loaded, in the cache."""
TABLES = ("images", "training_images", "eval_images")
REST = "rest.json"


@dataclass(frozen=True)
class Start:
    """One start of a search: ``at`` tells it from all others, ``data`` are by fingerprint."""

    at: str
    data: str


def last_start(experiment: ExperimentFolder) -> Start:
    """Return the last start of a stored search: its first one, or when it was resumed."""
    record = experiment.read_record()
    return Start(f"{experiment.path.resolve()} {record.started[-1]}", record.data_fingerprint)


def load_data_as_of(config: DataConfig, start: Start, view: str = "") -> FaceData:
    """Return the data as this machine first read them after a search's start.

    An image that is damaged, or labels that are corrected, while a search runs change nothing for
    its processes: later calls of ``load_data`` in this process return the same. Raises UserError
    where they are not those of the search, or have another ``view``; the next call reads anew.
    """
    asked = [config.model_dump_json(), start.at, start.data]
    data = loaded(config) or _kept(cache.folder_of(KIND, asked)) or load_data(config)
    if difference := _difference(data, start, view):
        loaded_as(config, None)
        raise UserError(f"{difference} there than on the driver's machine")
    loaded_as(config, data)
    cache.built_once(KIND, asked, partial(_keep, data))
    return data


def _difference(data: FaceData, start: Start, view: str) -> str:
    if data.fingerprint != start.data:
        return f"{data.root} holds other images or labels"
    is_other = view not in ("", data.view)
    return "data.label_fixes or data.face_boxes is a file of another content" if is_other else ""


def _keep(data: FaceData, folder: Path) -> None:
    for name in TABLES:
        getattr(data, name).to_parquet(folder / f"{name}.parquet")
    rest = {
        "root": str(data.root),
        "source": data.source,
        "cache": data.cache.folder.name,
        "eval_cache": data.eval_cache.folder.name,
        "faceless": list(data.faceless),
        "view": data.view,
    }
    (folder / REST).write_text(json.dumps(rest))


def _kept(folder: Path) -> FaceData | None:
    """Return what was kept, None where it was not, or the images were deleted since."""
    if not folder.exists():
        return None
    rest = json.loads((folder / REST).read_text())
    images, eval_images = (_images(rest, name) for name in ("cache", "eval_cache"))
    if not (images.exists() and eval_images.exists()):
        return None
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    return FaceData(
        root=Path(rest["root"]),
        source=rest["source"],
        **tables,
        cache=cache.opened(images),
        eval_cache=cache.opened(eval_images),
        faceless=rest["faceless"],
        view=rest["view"],
    )


def _images(rest: Mapping[str, str], name: str) -> Path:
    return cache.cache_folder() / cache.KIND / rest[name]
