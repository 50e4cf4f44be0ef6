"""What does a trial see of a data folder? Its table, its decoded images and its folds."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from trainable.cache import ImageCache, cache_folder, open_cache
from trainable.config import DEMO, CvConfig, DataConfig
from trainable.demo.data_set import demo_root
from trainable.faces import face_boxes
from trainable.fetch import local_folder
from trainable.folds import Fold, check_leaks, make_folds
from trainable.framing import ALL_WHOLE, CentralPart, FacePart, Framing, ImageSize
from trainable.label_fixes import fixed_images
from trainable.settings import UserError
from trainable.table import FaceTable, listed, read_table

KEPT = 4
"""Data that a process keeps: those of a trial's networks see other crops of them."""
_loaded: dict[DataConfig, "FaceData"] = {}


@dataclass(frozen=True)
class FaceData:
    """A checked data folder at one image size; row i of a table is image i of its cache.

    ``root`` is where this machine reads it, ``source`` how the user named it.
    ``training_images`` are the ``images`` as they are trained: with label fixes. ``faceless`` are
    the images that keep their whole frame where faces are cropped, as none was found or listed.
    ``view`` is equal where equal labels are trained on equal parts of the images.
    """

    root: Path
    source: str
    images: pd.DataFrame
    training_images: pd.DataFrame
    eval_images: pd.DataFrame
    cache: ImageCache
    eval_cache: ImageCache
    faceless: Sequence[str]
    view: str

    @property
    def fixed_labels(self) -> int:
        """How many images are trained with a corrected mask, gender or age."""
        columns = ["mask", "gender", "age"]
        return int((self.training_images[columns] != self.images[columns]).any(axis=1).sum())

    @property
    def skipped(self) -> list[str]:
        """Images that could not be read: left out of every fold, or predicted as black."""
        return [name for name, _ in unreadable_images(self)]

    @cached_property  # asked for at each leg of a search
    def fingerprint(self) -> str:
        """16 hex digits that equal images with equal labels in the same order share."""
        digest = hashlib.sha256()
        for images, cache in ((self.images, self.cache), (self.eval_images, self.eval_cache)):
            digest.update(cache.digests.tobytes())
            digest.update(images.to_csv().encode())
        return digest.hexdigest()[:16]

    def folds(self, config: CvConfig) -> list[Fold]:
        """Return the leak-checked folds; unreadable images are in none."""
        readable = self.images.drop(index=list(self.cache.unreadable))
        folds = [
            Fold(*(readable.index.to_numpy()[side] for side in (fold.train, fold.validation)))
            for fold in make_folds(readable, config)
        ]
        check_leaks(self.images, self.cache.digests, folds)
        return folds


def data_root(config: DataConfig) -> Path:
    """Return the data folder; demo data are drawn, and those in a bucket fetched, at first use."""
    if config.root == DEMO:
        return demo_root(cache_folder())
    return local_folder(config.root)


def load_data(config: DataConfig) -> FaceData:
    """Read, check and decode a data folder; later calls in this process return the same."""
    found = loaded(config)
    if found is None:
        found = _read(config)
        loaded_as(config, found)
    return found


def loaded(config: DataConfig) -> FaceData | None:
    """Return what ``load_data`` returns without reading anything; None where it has to read."""
    return _loaded.get(config)


def loaded_as(config: DataConfig, data: FaceData | None) -> None:
    """Let ``load_data`` return ``data`` in this process; None: let it read anew."""
    _loaded.pop(config, None)
    if data is None:
        return
    while len(_loaded) >= KEPT:
        del _loaded[next(iter(_loaded))]
    _loaded[config] = data


def _read(config: DataConfig) -> FaceData:
    table = _table(config)
    sides = [list(images["image"]) for images in (table.images, table.eval_images)]
    training_images = fixed_images(table.images, config.label_fixes)
    framing = _framing(config, table.root, [*sides[0], *sides[1]])
    size = ImageSize(config.image_height, config.image_width)
    cache, eval_cache = (open_cache(table.root, side, size, framing) for side in sides)
    data = FaceData(
        root=table.root,
        source=_named(config, table.root),
        images=table.images,
        training_images=training_images,
        eval_images=table.eval_images,
        cache=cache,
        eval_cache=eval_cache,
        faceless=_faceless(config, framing, [*sides[0], *sides[1]]),
        view=_view(training_images, framing),
    )
    if not config.skip_unreadable:
        _refuse_unreadable(data)
    return data


def _table(config: DataConfig) -> FaceTable:
    root = data_root(config)
    try:
        return read_table(root, follow_links=config.follow_links)
    except UserError as error:  # of a copy that the user does not know
        raise UserError(str(error).replace(str(root), _named(config, root))) from None


def _named(config: DataConfig, root: Path) -> str:
    return str(root) if config.root == DEMO else config.root


def _framing(config: DataConfig, root: Path, images: Sequence[str]) -> Framing:
    if config.face_boxes:
        boxes = face_boxes(config.face_boxes, root, images)
        return {image: FacePart(box, config.face_margin) for image, box in boxes.items()}
    if config.crop == "none":
        return ALL_WHOLE
    at_bottom = config.crop == "lower_center"
    part = CentralPart(config.crop_height, config.crop_width, at_bottom)
    return dict.fromkeys(images, part)


def _view(training_images: pd.DataFrame, framing: Framing) -> str:
    labels = training_images[["mask", "gender", "age"]].to_csv()
    return hashlib.sha256(f"{labels} {sorted(framing.items())}".encode()).hexdigest()[:16]


def _faceless(config: DataConfig, framing: Framing, images: Sequence[str]) -> list[str]:
    return [image for image in images if config.face_boxes and image not in framing]


def unreadable_images(data: FaceData) -> list[tuple[str, str]]:
    """Return (image, reason) of the training and eval images that cannot be read."""
    parts = ((data.images, data.cache), (data.eval_images, data.eval_cache))
    return [
        (str(images["image"].iloc[row]), reason)
        for images, cache in parts
        for row, reason in sorted(cache.unreadable.items())
    ]


def _refuse_unreadable(data: FaceData) -> None:
    bad = [f"{image} ({reason})" for image, reason in unreadable_images(data)]
    if bad:
        raise UserError(
            f"{len(bad)} image(s) of {data.source} cannot be read: {listed(bad)}; "
            "repair them, or leave them out with data.skip_unreadable=true"
        )
