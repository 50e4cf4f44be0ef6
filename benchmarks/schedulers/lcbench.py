"""Where do real learning curves come from? YAHPO Gym's LCBench surrogate, 34 tabular data sets.

The surrogate (Pfisterer et al. 2022) is a network that was fitted to the curves of LCBench (Zimmer
et al. 2021), 52 epochs of 2,000 multilayer perceptrons on each data set; its licence is Apache-2.0.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from benchmarks.schedulers.curves import Curve, Values
from search_spaces.language import Space
from trainable.settings import UserError

MODEL, ENCODING, RANGES = "model.onnx", "encoding.json", "config_space.json"
TASK_FIELD = "OpenML_task_id"
EPOCHS = 52
CHOOSING = 24
"""Schedulers and samplers are chosen on so many tasks; the others are left alone."""
PATHS = {
    "batch_size": "train.batch_size",
    "learning_rate": "optim.lr",
    "momentum": "optim.momentum",
    "weight_decay": "optim.weight_decay",
    "num_layers": "model.layers",
    "max_units": "model.units",
    "max_dropout": "model.dropout",
}
"""The surrogate's own names, in the order of its inputs behind the epoch -> our paths."""
SECONDS, ACCURACY = 0, 1
"""Columns of the surrogate's outputs: training time so far, validation accuracy in per cent."""
AT_ONCE = 256
"""Curves predicted in one call; more take gigabytes."""
WHERE = (
    f"the curves come from YAHPO Gym's surrogate of LCBench (Apache-2.0): put {MODEL}, {ENCODING} "
    f"and {RANGES} of its folder lcbench, from https://github.com/slds-lmu/yahpo_data, into a "
    "folder and name it with --data"
)


@dataclass(frozen=True)
class LcbenchTask:
    """One of the data sets, on which perceptrons are trained."""

    name: str
    code: int
    """What the surrogate calls it."""
    space: Space
    model: Path
    epochs: int = EPOCHS

    def curves(self, configurations: Sequence[Values]) -> list[Curve]:
        """Return the predicted curves of the configurations."""
        starts = range(0, len(configurations), AT_ONCE)
        batches = (configurations[start : start + AT_ONCE] for start in starts)
        return [curve for batch in batches for curve in self._batch(batch)]

    def _batch(self, configurations: Sequence[Values]) -> list[Curve]:
        settings = [[values[path] for path in PATHS.values()] for values in configurations]
        rows = np.repeat(np.asarray(settings, np.float32), self.epochs, axis=0)
        epoch = np.tile(np.arange(1, self.epochs + 1, dtype=np.float32), len(configurations))
        inputs = {
            "x_cat": np.full((len(rows), 1), self.code, np.int32),
            "x_cont": np.column_stack([epoch, rows]),
        }
        (outputs,) = session(self.model).run(None, inputs)
        by_curve = np.asarray(outputs, np.float64).reshape(len(configurations), self.epochs, -1)
        return [as_curve(curve[:, SECONDS], curve[:, ACCURACY]) for curve in by_curve]


def as_curve(seconds: np.ndarray, accuracy: np.ndarray) -> Curve:
    """Return a curve; predicted times may fall from one epoch to the next, true ones do not."""
    return Curve(accuracy / 100, np.diff(np.maximum.accumulate(seconds), prepend=0.0))


def read_tasks(folder: Path | None) -> list[LcbenchTask]:
    """Return all tasks in the surrogate's order: those for choosing, then those left alone."""
    if folder is None:
        raise UserError(f"no learning curves given; {WHERE}")
    missing = [name for name in (MODEL, ENCODING, RANGES) if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder} has no {' and no '.join(missing)}; {WHERE}")
    codes: Mapping[str, int] = json.loads((folder / ENCODING).read_text())[TASK_FIELD]
    parameters = json.loads((folder / RANGES).read_text())["hyperparameters"]
    fields = {field["name"]: field for field in parameters}
    ranges = {path: domain_of(fields[name]) for name, path in PATHS.items()}
    space = Space("Which perceptron suits this data set?", ranges)
    known = set(fields[TASK_FIELD]["choices"])
    return [
        LcbenchTask(name, code, space, folder / MODEL)
        for name, code in codes.items()
        if name in known
    ]


def domain_of(field: Mapping[str, Any]) -> BaseDistribution:
    """Return what a parameter of the surrogate may be."""
    kind = IntDistribution if field["type"] == "uniform_int" else FloatDistribution
    return kind(field["lower"], field["upper"], log=field["log"])


@cache
def session(model: Path) -> onnxruntime.InferenceSession:
    """Return the loaded surrogate, on one core: tasks are what runs side by side."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)
