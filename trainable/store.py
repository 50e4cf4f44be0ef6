"""Where is everything kept? The one place that knows the names of stored files.

    <runs>/latest -> <experiment>
    <runs>/submissions/                          what was handed in: submissions.py
    <runs>/<experiment>/experiment.json          what was asked, of which data
                        images.csv               training images: row, image, person, label, age
                        eval_images.csv          eval images in the order of the submission
                        search.jsonl             every decision of the search
                        labels.html, label_fixes.csv   whose labels look wrong
                        tensorboard/
                        <trial>/trial.json       settings and machine
                                epochs.json      every finished epoch
                                state.safetensors     where a trial that has not ended goes on
                                state.previous.safetensors   an epoch before, if that is damaged
                                outcome.json     how it ended
                                validation.npz   probabilities of the best epoch, by row
                                eval.npz         probabilities of the eval images
                                eval-embeddings.npz, validation-embeddings.npz   their features
                                weights.safetensors   of the best epoch, kept for the best trials
                                final.npz, final.safetensors   the same, trained on all persons
                                .lock            held by the process that trains

trial_folder.py reads and writes a trial's, files.py says how.
"""

import io
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from trainable.files import create, locked, remove_tree, write_text
from trainable.locations import Location
from trainable.records import ExperimentRecord
from trainable.settings import UserError, is_file_name, unknown_name
from trainable.storage_errors import cause
from trainable.stored import found_below, is_seen, read_bytes, read_if_there, reading
from trainable.submissions import SUBMISSIONS
from trainable.trial_folder import TrialFolder

LATEST = "latest"
CREATED = ".created"
"""An object that keeps an experiment's name from being taken twice, where there are no folders."""


@dataclass(frozen=True)
class ExperimentFolder:
    """Reads and writes what is kept of one experiment."""

    path: Location

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.path.name

    @property
    def tensorboard(self) -> Location:
        """The folder to point TensorBoard at."""
        return self.path / "tensorboard"

    @property
    def labels_page(self) -> Location:
        """Persons whose labels look wrong, HTML."""
        return self.path / "labels.html"

    @property
    def label_fixes(self) -> Location:
        """What would be right for them, a CSV that data.label_fixes= takes."""
        return self.path / "label_fixes.csv"

    @property
    def journal(self) -> Location:
        """What a search decided, an event a line."""
        return self.path / "search.jsonl"

    def trial(self, name: str) -> TrialFolder:
        """Return the folder of a trial, which need not exist yet; UserError for what is a path."""
        if not is_file_name(name):
            raise UserError(f"{name!r} is no name of a trial of {self.path}")
        return TrialFolder(self.path / name)

    def trials(self) -> list[TrialFolder]:
        """Return the stored trials in the order of their names."""
        return [TrialFolder(file.parent) for file in found_below(self.path, "trial.json")]

    def existing_trial(self, name: str) -> TrialFolder:
        """Return a stored trial; UserError names near ones where it does not exist."""
        known = [trial.name for trial in self.trials()]
        if name not in known:
            raise unknown_name(f"trial of {self.name}", name, known)
        return self.trial(name)

    def write_record(self, record: ExperimentRecord) -> None:
        """Keep what was asked."""
        write_text(self.path / "experiment.json", record.model_dump_json(indent=1))

    @contextmanager
    def searched(self) -> Generator[None]:
        """Keep other drivers away; UserError where one is at work."""
        busy = UserError(
            f"{self.name} is being searched by another process; wait for it, or end it"
        )
        with locked(self.path / ".searched.lock", 0, busy):
            yield

    def become_latest(self) -> None:
        """Make this the experiment that `latest` names."""
        if not isinstance(self.path, Path):
            write_text(self.path.parent / LATEST, self.name)
            return
        link = self.path.parent / f".{LATEST}-{self.name}"
        link.unlink(missing_ok=True)
        link.symlink_to(self.name)
        os.replace(link, self.path.parent / LATEST)

    @property
    def is_latest(self) -> bool:
        """Whether `latest` names this experiment."""
        return _latest(self.path.parent) == self.name

    def discard_if_empty(self) -> None:
        """Remove the experiment where no trial was started: a mistake leaves no trace."""
        if not self.trials():
            remove_tree(self.path)

    def is_there(self) -> bool:
        """Say whether the experiment is seen from this machine."""
        return is_seen(self.path / "experiment.json")

    def read_record(self) -> ExperimentRecord:
        """Return what was asked."""
        with reading(self.path / "experiment.json") as file:
            return ExperimentRecord.model_validate_json(read_bytes(file))

    def write_images(self, images: pd.DataFrame, eval_images: pd.DataFrame) -> None:
        """Keep the tables that rows of stored probabilities refer to."""
        write_text(self.path / "images.csv", images.to_csv(index_label="row"))
        write_text(self.path / "eval_images.csv", eval_images.to_csv(index_label="row"))

    def read_images(self) -> pd.DataFrame:
        """Return the training images, indexed by row."""
        with reading(self.path / "images.csv") as file:
            return pd.read_csv(
                io.BytesIO(read_bytes(file)), index_col="row", dtype={"person": str, "id": str}
            )

    def read_eval_images(self) -> pd.DataFrame:
        """Return the eval images in the order of the submission, indexed by row."""
        with reading(self.path / "eval_images.csv") as file:
            return pd.read_csv(io.BytesIO(read_bytes(file)), index_col="row", dtype=str).rename(
                index=int
            )


def experiment_of(trial: TrialFolder) -> ExperimentFolder:
    """Return the folder of a trial's experiment."""
    return ExperimentFolder(trial.path.parent)


def create_experiment(runs: Location, name: str) -> ExperimentFolder:
    """Make a new experiment folder; a name that is taken gets a number."""
    if name in (LATEST, SUBMISSIONS) or not is_file_name(name):
        raise UserError(
            f"search.name={name}: choose a folder's name other than {LATEST} and {SUBMISSIONS}"
        )
    candidates = [name, *(f"{name}-{i}" for i in range(2, 1000))]
    for candidate in candidates:
        try:
            _take_name(runs / candidate)
            return ExperimentFolder(runs / candidate)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(
                f"cannot write to search.runs={runs}: {cause(error)}; "
                "name a folder you may write to with search.runs="
            ) from None
    raise UserError(f"{runs} holds 999 experiments called {name}; choose another search.name")


def _take_name(folder: Location) -> None:
    """Make an experiment's folder; FileExistsError where the name is taken."""
    if isinstance(folder, Path):
        folder.mkdir(parents=True)
        return
    if folder.exists():
        raise FileExistsError
    create(folder / CREATED, now().encode())


def open_experiment(runs: Location, name: str = LATEST) -> ExperimentFolder:
    """Return a stored experiment; UserError says which exist."""
    known, latest = [folder.name for folder in all_experiments(runs)], _latest(runs)
    if not (known or latest):
        raise UserError(f"no experiment in {runs}; start one with python -m orchestrator.search")
    if name == LATEST and latest and latest not in known:
        raise UserError(f"{runs / LATEST} names no experiment beside it; name one instead")
    if name not in [*known, *([LATEST] if latest else [])]:
        raise unknown_name("experiment", name, known)
    return ExperimentFolder(runs / (latest if latest and name == LATEST else name))


def all_experiments(runs: Location) -> list[ExperimentFolder]:
    """Return the stored experiments in the order of their names."""
    folders = [file.parent for file in found_below(runs, "experiment.json")]
    return [ExperimentFolder(folder) for folder in folders if folder.name != LATEST]


def _latest(runs: Location) -> str:
    """Return what `latest` names, on a disk by a link, in a bucket by its text; empty if nothing.

    It may come from somebody else, and lead out of ``runs``.
    """
    latest = runs / LATEST
    if isinstance(latest, Path):
        return str(latest.readlink()) if latest.is_symlink() else LATEST * latest.exists()
    return (read_if_there(latest) or b"").decode(errors="replace")


def now() -> str:
    """Return the time as records keep it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
