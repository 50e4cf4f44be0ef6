"""What does TensorBoard show of a search while it runs?

    <folder>/            the columns of the HParams table, with their types and domains
    <folder>/<trial>/    the trial's row, its curves, under best/ its best epoch so far; pictures

An event file is open only while it is appended to, so that thousands of paused trials hold no
file and no thread (TensorBoard's EventFileWriter holds one of each).
"""
# pyright: reportAttributeAccessIssue=false
# TensorBoard's messages are classes made at import, which no type checker sees.

import io
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from orchestrator.hparams import HParamsTable, best_so_far, verdict
from search_spaces.language import Space
from trainable.config import TrialConfig
from trainable.files import StorageError
from trainable.records import EpochRecord, Status, rank
from trainable.settings import Value

PICTURES = "*.pictures"


class TensorBoardLog:
    """Writes trials, epoch by epoch, to where a running TensorBoard reads them.

    Every method raises StorageError when the log cannot be written; what was logged stays.
    """

    def __init__(self, folder: Path, space: Space, base: TrialConfig) -> None:
        self._folder = folder
        self._table = HParamsTable(space, base)
        self._files: dict[str, Path] = {}
        self._best: dict[str, EpochRecord] = {}
        columns = Event(summary=self._table.columns(), wall_time=time.time())
        _append(_new_file(folder, "columns"), columns)

    def trial_started(
        self, trial: str, values: Mapping[str, Value], epochs: Sequence[EpochRecord] = ()
    ) -> None:
        """Add the trial's row, unless it has one and goes on after a pause.

        ``epochs`` are those that an earlier driver logged: one of them may be the best.
        """
        if trial in self._files:
            return
        for earlier in (self._folder / trial).glob("*.ended"):
            earlier.unlink()
        self._files[trial] = file = _new_file(self._folder / trial, "curves")
        if epochs:
            self._best[trial] = max(epochs, key=rank)
        _append(file, Event(summary=self._table.row(trial, values), wall_time=time.time()))

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> None:
        """Add the epoch to the trial's curves, and its best epoch so far to the table."""
        self._best[trial] = best = max(self._best.get(trial, epoch), epoch, key=rank)
        points = curves(epoch) | best_so_far(best)
        values = [Summary.Value(tag=tag, simple_value=point) for tag, point in points.items()]
        event = Event(summary=Summary(value=values), step=epoch.epoch, wall_time=time.time())
        _append(self._files[trial], event)

    def trial_finished(self, trial: str, status: Status) -> None:
        """Mark the trial as succeeded or failed; it may be started again.

        One that paused under an earlier driver may end without having started under this one.
        """
        self._files.pop(trial, None)
        self._best.pop(trial, None)
        # In a file of its own, because a failed trial that is started again must lose it.
        file = _new_file(self._folder / trial, "ended")
        now = time.time()
        _append(file, Event(summary=verdict(status, now), wall_time=now))


def has_pictures(folder: Path, trial: str) -> bool:
    """Say whether pictures of the trial are logged."""
    return any((folder / trial).glob(PICTURES))


def log_pictures(folder: Path, trial: str, step: int, pictures: Mapping[str, bytes]) -> None:
    """Log pictures (tag -> PNG or JPEG file) of epoch ``step``, in place of earlier ones.

    Raises StorageError when they cannot be written; earlier ones stay then.
    """
    earlier = list((folder / trial).glob(PICTURES))
    values = [Summary.Value(tag=tag, image=_image(content)) for tag, content in pictures.items()]
    event = Event(summary=Summary(value=values), step=step, wall_time=time.time())
    _append(_new_file(folder / trial, "pictures"), event)
    for file in earlier:
        file.unlink()


def curves(epoch: EpochRecord) -> dict[str, float]:
    """Return tag -> value of an epoch's numbers."""
    return {
        **{f"validation/{name}": value for name, value in epoch.metrics.items()},
        "train/loss": epoch.train_loss,
        "train/lr": epoch.lr,
        "seconds/epoch": epoch.epoch_seconds,
        **{f"seconds/{part}": value for part, value in epoch.seconds.items()},
    }


def _image(content: bytes) -> Any:
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
    return Summary.Image(encoded_image_string=content, width=width, height=height)


def _new_file(folder: Path, content: str) -> Path:
    """Start an event file; TensorBoard reads a folder's files in the order of their names."""
    file = folder / f"events.out.tfevents.{time.time_ns()}.{content}"
    _append(file, Event(file_version="brain.Event:2", wall_time=time.time()))
    return file


def _append(file: Path, event: Any) -> None:
    """Append at once or not at all: half a record would hide all that follow it."""
    record = io.BytesIO()
    RecordWriter(record).write(event.SerializeToString())
    size = file.stat().st_size if file.exists() else 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as target:
            target.write(record.getvalue())
    except OSError as error:
        if file.exists():
            os.truncate(file, size)
        raise StorageError(f"cannot log to {file}: {error.strerror}") from error
