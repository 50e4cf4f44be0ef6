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

How they are written is in files.py.
"""

import io
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from trainable.arrays import Embeddings, Probabilities, read_arrays, write_arrays
from trainable.files import (
    cause,
    create,
    found_below,
    is_seen,
    link_or_copy,
    locked,
    make_folder,
    read_bytes,
    read_if_there,
    reading,
    remove,
    remove_partial,
    remove_tree,
    stamp,
    write_bytes,
    write_text,
)
from trainable.locations import Location
from trainable.records import (
    EpochRecord,
    ExperimentRecord,
    Outcome,
    TrialRecord,
    TrialResults,
)
from trainable.settings import UserError, is_file_name, unknown_name
from trainable.submissions import SUBMISSIONS

LATEST = "latest"
EVAL_EMBEDDINGS, VALIDATION_EMBEDDINGS = "eval-embeddings.npz", "validation-embeddings.npz"
OF_EVAL = ("eval.npz", EVAL_EMBEDDINGS, VALIDATION_EMBEDDINGS)
"""What is made when the eval images are predicted."""
RESULTS = ("epochs.json", "validation.npz", *OF_EVAL, "weights.safetensors")
"""What a trial found, the epochs first: files that are replaced and never changed."""
EPOCHS = TypeAdapter(list[EpochRecord])
CREATED = ".created"
"""An object that keeps an experiment's name from being taken twice, where there are no folders."""
RUNNING = Outcome(status="running")
TRAINED = ("epochs.json", "validation.npz", "final.npz", "*.safetensors")
"""The files that the process that trains writes, and nobody else."""
LOCK_SECONDS = 60.0
"""How long a trial waits for the last process that trained it to be gone."""


class BusyTrialError(UserError):
    """Another process trains the trial; the message names its folder."""


@dataclass(frozen=True)
class TrialFolder:
    """Reads and writes what is kept of one trial."""

    path: Location

    @property
    def name(self) -> str:
        """The trial's name."""
        return self.path.name

    @property
    def experiment(self) -> "ExperimentFolder":
        """The folder of the trial's experiment."""
        return ExperimentFolder(self.path.parent)

    @property
    def weights_file(self) -> Location:
        """Weights of the best epoch, safetensors."""
        return self.path / "weights.safetensors"

    @property
    def final_weights_file(self) -> Location:
        """Weights of a training on all persons, safetensors."""
        return self.path / "final.safetensors"

    @property
    def state_file(self) -> Location:
        """What a trial that has not ended goes on from, safetensors."""
        return self.path / "state.safetensors"

    @property
    def previous_state_file(self) -> Location:
        """The state before, for a trial whose last one is damaged, safetensors."""
        return self.path / "state.previous.safetensors"

    @property
    def final_state_file(self) -> Location:
        """What an unfinished training on all persons goes on from, safetensors."""
        return self.path / "final-state.safetensors"

    def has_state(self) -> bool:
        """Say whether the trial can go on from where it was."""
        return self.state_file.exists()

    def state_stamp(self) -> tuple[object, ...] | None:
        """Return what changes whenever a state is written; None where there is none."""
        return stamp(self.state_file)

    def states(self) -> list[Location]:
        """Return the files that the trial can go on from, the last one first."""
        return [file for file in (self.state_file, self.previous_state_file) if file.exists()]

    def return_to_previous_state(self) -> None:
        """Let the state before take the place of the last one, which is damaged."""
        link_or_copy(self.previous_state_file, self.state_file)
        remove(self.previous_state_file)

    def discard_state(self) -> None:
        """Delete what only a trial that goes on would need."""
        remove(self.previous_state_file)
        remove(self.state_file)
        self.discard_partial_files()

    def discard_partial_files(self) -> None:
        """Delete what a process that was killed while it wrote has left."""
        remove_partial(self.path, *TRAINED)

    @contextmanager
    def held(self) -> Generator[None]:
        """Let nobody else train the trial, until the end of the context or of the process.

        Raises BusyTrialError where another process still trains it after LOCK_SECONDS.
        """
        busy = BusyTrialError(
            f"{self.path} is being trained by another process: end that one first, or wait"
        )
        with locked(self._own(".lock"), LOCK_SECONDS, busy):
            yield

    def _own(self, name: str) -> Location:
        """Return a file to write in the trial's folder, which is made in the experiment's."""
        make_folder(self.path)
        return self.path / name

    def write_record(self, record: TrialRecord) -> None:
        """Keep the trial's settings."""
        write_text(self._own("trial.json"), record.model_dump_json(indent=1))

    def write_epochs(self, epochs: list[EpochRecord]) -> None:
        """Keep all finished epochs."""
        write_bytes(self._own("epochs.json"), EPOCHS.dump_json(epochs))

    def write_outcome(self, outcome: Outcome) -> None:
        """Keep how the trial ended."""
        write_text(self._own("outcome.json"), outcome.model_dump_json(indent=1))

    def write_validation(self, probabilities: Probabilities) -> None:
        """Keep the out-of-fold probabilities of the best epoch."""
        write_arrays(self._own("validation.npz"), probabilities)

    def write_eval(self, probabilities: Probabilities) -> None:
        """Keep the eval images' probabilities."""
        write_arrays(self._own("eval.npz"), probabilities)

    def write_embeddings(self, of_eval: Embeddings, of_validation: Embeddings) -> None:
        """Keep the features of the eval images and of the first fold's validation side."""
        write_arrays(self._own(EVAL_EMBEDDINGS), of_eval)
        write_arrays(self._own(VALIDATION_EMBEDDINGS), of_validation)

    def write_final(self, probabilities: Probabilities) -> None:
        """Keep the eval images' probabilities of a training on all persons."""
        write_arrays(self._own("final.npz"), probabilities)

    def read_final(self) -> Probabilities:
        """Return the eval images' probabilities of a training on all persons; UserError if none."""
        if not self.has_final():
            raise UserError(
                f"{self.name} was not trained on all persons; do it with: "
                f"python -m trainable.final trial={self.path}"
            )
        return Probabilities(*read_arrays(self.path / "final.npz"))

    def read_validation(self) -> Probabilities:
        """Return the out-of-fold probabilities of the best epoch."""
        return Probabilities(*read_arrays(self.path / "validation.npz"))

    def read_eval(self) -> Probabilities:
        """Return the eval images' probabilities; UserError where there are none yet."""
        return Probabilities(*self._read_of_eval("eval.npz", "eval probabilities"))

    def read_eval_embeddings(self) -> Embeddings:
        """Return the features of all eval images; UserError where there are none yet."""
        return Embeddings(*self._read_of_eval(EVAL_EMBEDDINGS, "embeddings"))

    def read_validation_embeddings(self) -> Embeddings:
        """Return the features of the first fold's validation side; UserError where none.

        The network that made them has seen none of these persons, as it has seen no eval image.
        """
        return Embeddings(*self._read_of_eval(VALIDATION_EMBEDDINGS, "embeddings"))

    def _read_of_eval(self, file: str, what: str) -> tuple[NDArray[np.int32], NDArray[np.float16]]:
        if not (self.path / file).exists():
            raise UserError(
                f"{self.name} has no {what}; make them with: "
                f"python -m trainable.predict trial={self.path}"
            )
        return read_arrays(self.path / file)

    def has_weights(self) -> bool:
        """Say whether the weights of the best epoch are kept."""
        return self.weights_file.exists()

    def has_eval(self) -> bool:
        """Say whether eval probabilities are stored."""
        return (self.path / "eval.npz").exists()

    def has_final(self) -> bool:
        """Say whether a training on all persons has predicted the eval images."""
        return (self.path / "final.npz").exists()

    def discard_eval(self) -> None:
        """Delete eval predictions, which are of an epoch that is the best no longer."""
        for name in OF_EVAL:
            remove(self.path / name)

    def read_epochs(self) -> list[EpochRecord]:
        """Return all finished epochs, none where the trial has not finished one."""
        with reading(self.path / "epochs.json") as file:
            content = read_if_there(file)
            return [] if content is None else EPOCHS.validate_json(content)

    def read_outcome(self) -> Outcome:
        """Return how the trial ended, or that it runs."""
        with reading(self.path / "outcome.json") as file:
            content = read_if_there(file)
            return RUNNING if content is None else Outcome.model_validate_json(content)

    def take_results(self, other: "TrialFolder") -> None:
        """Let what another trial found stand here too; links need no space."""
        for name in RESULTS:
            if (other.path / name).exists():
                link_or_copy(other.path / name, self._own(name))

    def read(self) -> TrialResults:
        """Return everything stored of the trial but its arrays."""
        with reading(self.path / "trial.json") as file:
            record = TrialRecord.model_validate_json(read_bytes(file))
        return TrialResults(record=record, epochs=self.read_epochs(), outcome=self.read_outcome())


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
