"""What would a search see of a recorded configuration, and what is it really worth?"""

import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.fidelity.record import HELD_OUT
from trainable.metrics import macro_f1
from trainable.settings import UserError

Classes = NDArray[np.integer]


class Trained(NamedTuple):
    """Networks of a configuration: which one's, of which folds, after which epoch (from 1)."""

    configuration: str
    folds: tuple[int, ...]
    epoch: int


@dataclass(frozen=True)
class HeldOut:
    """The true classes (N,) and the persons (N,) of the held-out images."""

    labels: Classes
    persons: NDArray[np.str_]


@dataclass(frozen=True)
class Recording:
    """One configuration's predictions, and scores of them that were asked for before.

    ``truth`` and ``predicted[epoch]`` are the classes of each fold's persons, ``probabilities``
    (epochs, folds, held-out images, 18) what each fold's network says of the held-out images.
    """

    name: str
    values: dict[str, object]
    truth: Sequence[Classes]
    predicted: Sequence[Sequence[Classes]]
    probabilities: NDArray[np.float16]
    held_out: HeldOut
    known: dict[tuple[str, Trained], float] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """How many were trained."""
        return len(self.predicted)

    @property
    def folds(self) -> tuple[int, ...]:
        """The numbers of its folds."""
        return tuple(range(len(self.truth)))

    def trained(self, folds: Iterable[int], epoch: int) -> Trained:
        """Return some of its networks; their order does not matter."""
        return Trained(self.name, tuple(sorted(folds)), epoch)

    def score(self, networks: Trained) -> float:
        """Return the macro-F1 over the persons of the networks' folds, none of whom they saw."""
        key = ("own", networks)
        if key not in self.known:
            predicted = self.predicted[networks.epoch - 1]
            truth = np.concatenate([self.truth[fold] for fold in networks.folds])
            guess = np.concatenate([predicted[fold] for fold in networks.folds])
            self.known[key] = macro_f1(truth, guess)
        return self.known[key]

    def best(self, folds: Iterable[int], until: int | None = None) -> Trained:
        """Return the folds' networks after their best epoch, or the best of the first ones."""
        epochs = range(1, (until or self.epochs) + 1)
        return max((self.trained(folds, epoch) for epoch in epochs), key=self.score)

    def answers(self, networks: Trained) -> Classes:
        """Return the classes of the held-out images: the networks' probabilities averaged."""
        found = self.probabilities[networks.epoch - 1, list(networks.folds)]
        return found.astype(np.float32).mean(0).argmax(1)

    def worth(self, networks: Trained) -> float:
        """Return the macro-F1 of the networks' answers on the held-out persons."""
        key = ("held out", networks)
        if key not in self.known:
            self.known[key] = macro_f1(self.held_out.labels, self.answers(networks))
        return self.known[key]

    def whole_worth(self) -> float:
        """Return the worth of all folds trained to their end, after their best epoch."""
        return self.worth(self.best(self.folds))


@dataclass(frozen=True)
class Table:
    """The recordings of a folder, and what became of its other files."""

    recordings: Sequence[Recording]
    left_out: Sequence[str]


def read_recordings(folder: Path) -> Table:
    """Read a folder that ``record`` wrote; what is damaged or diverged is left out and named."""
    file = folder / HELD_OUT
    if not file.is_file():
        raise UserError(f"{file} is missing: --recorded is a folder that `record` wrote")
    held_out = pd.read_csv(file, dtype={"person": str})
    truth = HeldOut(held_out["label"].to_numpy(), held_out["person"].to_numpy(str))
    found: list[Recording] = []
    left_out: list[str] = []
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path) as arrays:
                if arrays["ok"]:
                    found.append(read_recording(path.stem, dict(arrays), truth))
                else:
                    left_out.append(f"{path.name}: diverged")
        except (zipfile.BadZipFile, ValueError, EOFError, KeyError) as error:
            left_out.append(f"{path.name}: cannot be read ({error})")
    if len(found) < 2:
        raise UserError(f"{folder} holds {len(found)} recordings; it takes 2 to compare")
    if len({one.probabilities.shape for one in found}) > 1:
        raise UserError(f"{folder} holds recordings of different epochs, folds or persons")
    return Table(found, left_out)


def read_recording(name: str, arrays: dict[str, NDArray[Any]], held_out: HeldOut) -> Recording:
    """Return a recording of the arrays that ``record`` wrote."""
    borders = np.cumsum(arrays["lens"])[:-1]
    classes = arrays["val"].argmax(-1)
    return Recording(
        name=name,
        values=json.loads(str(arrays["values"])),
        truth=np.split(arrays["labels"][arrays["rows"]], borders),
        predicted=[np.split(epoch, borders) for epoch in classes],
        probabilities=arrays["ev"],
        held_out=held_out,
    )
