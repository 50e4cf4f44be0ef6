"""What do random configurations learn, fold by fold and epoch by epoch? Trained once, and kept."""

import io
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from optuna.samplers import RandomSampler

from benchmarks.task import BACKBONE, SPACE
from search_spaces.catalogue import space_named
from trainable.config import CvConfig, TrialConfig
from trainable.dataset import load_data
from trainable.files import write_bytes, write_text
from trainable.fold_fit import DivergedError
from trainable.folds import make_folds
from trainable.networks import Member, Networks
from trainable.recipes.recipe import Settings
from trainable.settings import UserError
from trainable.table import PERSON_COLUMNS, read_csv, read_table

HELD_OUT = "holdout.csv"
"""Beside the recordings: ImageID, ans, label and person of each held-out image, in their order."""
IMAGE_HEIGHT, IMAGE_WIDTH = 64, 48
DRAW_SEED, SPLIT_SEED = 11, 7


@dataclass(frozen=True)
class Recorder:
    """How configurations are trained; ``out`` is where everything is written."""

    out: Path
    epochs: int
    folds: int

    def base(self) -> TrialConfig:
        """Return the settings from which configurations start."""
        return TrialConfig().with_values(
            {
                "data.root": str(self.out / "data"),
                "data.follow_links": True,
                "data.image_height": IMAGE_HEIGHT,
                "data.image_width": IMAGE_WIDTH,
                "cv.folds": self.folds,
                "train.epochs": self.epochs,
                "model.backbone": BACKBONE,
                "machine.threads": 1,
            }
        )


def record_all(recorder: Recorder, configurations: int, jobs: int) -> Iterator[str]:
    """Train the configurations that have no file yet; yield a line for each."""
    drawn = enumerate(draw(recorder.base(), configurations))
    files = [(recorder.out / f"{number:03d}.npz", values) for number, values in drawn]
    missing = [(file, values) for file, values in files if not file.exists()]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(record, recorder), *zip(*missing, strict=True))


def draw(base: TrialConfig, count: int) -> list[Settings]:
    """Return random configurations; the first ones are the same however many are asked for."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study, space = optuna.create_study(sampler=RandomSampler(seed=DRAW_SEED)), space_named([SPACE])
    return [space.suggest(study.ask(), base) for _ in range(count)]


def record(recorder: Recorder, file: Path, values: Settings) -> str:
    """Train one configuration on all folds; keep what its networks predict after each epoch.

    ``val`` (epochs, images, 18) are out-of-fold probabilities of the images ``rows``, fold after
    fold, ``lens`` of each; ``ev`` (epochs, folds, held-out images, 18) are each network's.
    """
    torch.set_num_threads(1)
    config = recorder.base().with_values(values)
    data = load_data(config.data)
    folds = data.folds(config.cv)
    networks = Networks({"": Member(config, data)}, dict(enumerate(folds)))
    val, ev, seconds, is_whole = [], [], [], True
    try:
        for epoch in range(recorder.epochs):
            started = time.perf_counter()
            networks.train_epoch(epoch)
            val.append(networks.predict_validation()[""].astype(np.float16))
            seconds.append(time.perf_counter() - started)
            ev.append(np.stack(networks.predict_eval()[""]).astype(np.float16))
    except DivergedError:
        is_whole = False
    arrays: dict[str, Any] = {
        "val": np.array(val),
        "ev": np.array(ev),
        "rows": np.concatenate([fold.validation for fold in folds]),
        "lens": [len(fold.validation) for fold in folds],
        "values": json.dumps(values),
        "ok": is_whole,
        "secs": seconds,
        "labels": data.images["label"].to_numpy(),
        "persons": data.images["person"].to_numpy().astype(str),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(file, buffer.getvalue())
    return f"{file.name}: {len(val)} epochs in {sum(seconds):.0f} s"


def hold_out(root: Path, out: Path, share: float) -> None:
    """Make ``out/data``, a data folder whose eval images are those of held-out persons.

    The persons are stratified by gender and age class. Images are linked, not copied.
    """
    images = read_table(root).images
    split = make_folds(images, CvConfig(folds=1, validation_share=share, seed=SPLIT_SEED))[0]
    held_out = images.iloc[split.validation]
    names = [f"{person}_{Path(image).name}" for person, image in _pairs(held_out)]
    table = pd.DataFrame({"ImageID": names, "ans": 0})
    full = table.assign(label=held_out["label"].to_numpy(), person=held_out["person"].to_numpy())
    text, file = full.to_csv(index=False), out / HELD_OUT
    if file.exists():
        if file.read_text() != text:
            raise UserError(f"{out} holds recordings of other data or of another --hold-out")
        return
    _link_training(root, out / "data" / "train", images["person"].iloc[split.train].unique())
    folder = out / "data" / "eval"
    for name, (_, image) in zip(names, _pairs(held_out), strict=True):
        _link(folder / "images" / name, root / image)
    table.to_csv(folder / "info.csv", index=False)
    write_text(file, text)


def _pairs(images: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(images["person"], images["image"], strict=True))


def _link_training(root: Path, folder: Path, persons: Sequence[str]) -> None:
    for person in persons:
        _link(folder / "images" / person, root / "train" / "images" / person)
    table = read_csv(root / "train" / "train.csv", PERSON_COLUMNS)
    table[table["path"].isin(persons)].to_csv(folder / "train.csv", index=False)


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve())
