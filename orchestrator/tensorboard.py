"""What does TensorBoard show of a search while it runs?

    <folder>/            the columns of the HParams table, with their types and domains
    <folder>/<trial>/    the trial's row, its curves, under best/ its best epoch so far; pictures

An event file is open only while it is appended to, so that thousands of paused trials hold no
file and no thread (TensorBoard's EventFileWriter holds one of each). In a bucket nothing can be
appended to: curves grow in a file on this machine, which is put there every half a minute.
"""
# pyright: reportAttributeAccessIssue=false
# TensorBoard's messages are classes made at import, which no type checker sees.

import io
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from orchestrator.hparams import HParamsTable, best_so_far, verdict
from search_spaces.language import Space
from trainable.config import TrialConfig
from trainable.files import append, make_folder, remove, write_bytes
from trainable.locations import Location
from trainable.records import EpochRecord, Status, rank
from trainable.settings import Value
from trainable.stored import ASKED_AT_ONCE

PICTURES = "*.pictures"
SECONDS_UNSEEN = 30.0
"""How long curves may wait before they are put in a bucket."""
Place = TypeVar("Place", Path, Location)


class TensorBoardLog:
    """Writes trials, epoch by epoch, to where a running TensorBoard reads them.

    Every method raises StorageError when the log cannot be written; what was logged stays.
    """

    def __init__(self, folder: Location, space: Space, base: TrialConfig) -> None:
        self._folder = folder
        self._table = HParamsTable(space, base)
        self._curves = Curves(folder)
        self._best: dict[str, EpochRecord] = {}
        make_folder(folder)
        columns = Event(summary=self._table.columns(), wall_time=time.time())
        write_bytes(_new_name(folder, "columns"), _records(columns))

    def close(self) -> None:
        """Let all that was logged be seen."""
        self._curves.close()

    def trial_started(
        self, trial: str, values: Mapping[str, Value], epochs: Sequence[EpochRecord] = ()
    ) -> None:
        """Add the trial's row, unless it has one and goes on after a pause.

        ``epochs`` are those that an earlier driver logged: one of them may be the best.
        """
        if self._curves.has(trial):
            return
        for earlier in (self._folder / trial).glob("*.ended"):
            remove(earlier)
        if epochs:
            self._best[trial] = max(epochs, key=rank)
        row = Event(summary=self._table.row(trial, values), wall_time=time.time())
        self._curves.begin(trial, _records(row))

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> None:
        """Add the epoch to the trial's curves, and its best epoch so far to the table."""
        self._best[trial] = best = max(self._best.get(trial, epoch), epoch, key=rank)
        points = curves(epoch) | best_so_far(best)
        values = [Summary.Value(tag=tag, simple_value=point) for tag, point in points.items()]
        event = Event(summary=Summary(value=values), step=epoch.epoch, wall_time=time.time())
        self._curves.add(trial, _record(event))

    def trial_finished(self, trial: str, status: Status) -> None:
        """Mark the trial as succeeded or failed; it may be started again.

        One that paused under an earlier driver may end without having started under this one.
        """
        self._curves.end(trial)
        self._best.pop(trial, None)
        # In a file of its own, because a failed trial that is started again must lose it.
        make_folder(self._folder / trial)
        now = time.time()
        ended = Event(summary=verdict(status, now), wall_time=now)
        write_bytes(_new_name(self._folder / trial, "ended"), _records(ended))


class Curves:
    """The event files that grow, one a trial, here or for a bucket; ``clock`` is in seconds."""

    def __init__(self, folder: Location, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._scratch = ExitStack()
        self._here = (
            folder
            if isinstance(folder, Path)
            else Path(self._scratch.enter_context(TemporaryDirectory(prefix="curves-")))
        )
        self._files: dict[str, Path] = {}
        self._unseen: set[str] = set()
        self._put_at = -math.inf

    def has(self, trial: str) -> bool:
        """Say whether the trial's file is growing."""
        return trial in self._files

    def begin(self, trial: str, records: bytes) -> None:
        """Start a file for a trial."""
        make_folder(self._here / trial)
        self._files[trial] = _new_name(self._here / trial, "curves")
        self.add(trial, records)

    def add(self, trial: str, record: bytes) -> None:
        """Append at once or not at all: half a record would hide all that follow it."""
        append(self._files[trial], record)
        self._unseen.add(trial)
        if self._clock() - self._put_at >= SECONDS_UNSEEN:
            self._put_at = self._clock()
            self._put(self._unseen)

    def end(self, trial: str) -> None:
        """Let a trial's file be as it is."""
        self._put(self._unseen & {trial})
        self._files.pop(trial, None)

    def close(self) -> None:
        """Put all that has not been put yet."""
        self._put(self._unseen)
        self._scratch.close()

    def _put(self, trials: Collection[str]) -> None:
        if self._here != self._folder:
            with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
                list(pool.map(self._put_one, trials))
        self._unseen.difference_update(list(trials))

    def _put_one(self, trial: str) -> None:
        file = self._files[trial]
        write_bytes(self._folder / trial / file.name, file.read_bytes())


def has_pictures(folder: Location, trial: str) -> bool:
    """Say whether pictures of the trial are logged."""
    return any((folder / trial).glob(PICTURES))


def log_pictures(folder: Location, trial: str, step: int, pictures: Mapping[str, bytes]) -> None:
    """Log pictures (tag -> PNG or JPEG file) of epoch ``step``, in place of earlier ones.

    Raises StorageError when they cannot be written; earlier ones stay then.
    """
    earlier = list((folder / trial).glob(PICTURES))
    values = [Summary.Value(tag=tag, image=_image(content)) for tag, content in pictures.items()]
    event = Event(summary=Summary(value=values), step=step, wall_time=time.time())
    for needed in (folder, folder / trial):
        make_folder(needed)
    write_bytes(_new_name(folder / trial, "pictures"), _records(event))
    for file in earlier:
        remove(file)


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


def _new_name(folder: Place, content: str) -> Place:
    """Return a new event file; TensorBoard reads a folder's files in the order of their names."""
    return folder / f"events.out.tfevents.{time.time_ns()}.{content}"


def _records(event: Any) -> bytes:
    """Return a file of events that begins with this one."""
    return _record(Event(file_version="brain.Event:2", wall_time=time.time())) + _record(event)


def _record(event: Any) -> bytes:
    record = io.BytesIO()
    RecordWriter(record).write(event.SerializeToString())
    return record.getvalue()
