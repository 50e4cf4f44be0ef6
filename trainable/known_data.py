"""Which data does a search train on, whatever becomes of their files meanwhile?"""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from trainable import cache
from trainable.config import DataConfig
from trainable.dataset import FaceData, load_data, loaded_as

KIND = "known"
"""Folder of data that were once loaded, in the cache."""
TABLES = ("images", "training_images", "eval_images")
REST = "rest.json"


def load_data_as_of(config: DataConfig, fingerprint: str) -> FaceData:
    """Return the data that had this fingerprint when this machine read them; else as they are.

    An image that is damaged, or labels that are corrected, while a search runs change nothing for
    its processes: later calls of ``load_data`` in this process return the same.
    """
    asked = [config.model_dump_json(), fingerprint]
    known = _kept(cache.folder_of(KIND, asked))
    if known:
        loaded_as(config, known)
        return known
    data = load_data(config)
    if data.fingerprint() == fingerprint:
        cache.built_once(KIND, asked, partial(_keep, data))
    return data


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
