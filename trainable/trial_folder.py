"""What is kept of one trial? Where it lies is told in store.py."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from trainable.arrays import Embeddings, Probabilities, read_arrays, write_arrays
from trainable.files import (
    link_or_copy,
    locked,
    make_folder,
    remove,
    remove_partial,
    write_bytes,
    write_text,
)
from trainable.locations import Location
from trainable.records import EpochRecord, Outcome, TrialRecord, TrialResults
from trainable.settings import UserError
from trainable.stored import read_bytes, read_if_there, reading, stamp

EVAL_EMBEDDINGS, VALIDATION_EMBEDDINGS = "eval-embeddings.npz", "validation-embeddings.npz"
OF_EVAL = ("eval.npz", EVAL_EMBEDDINGS, VALIDATION_EMBEDDINGS)
"""What is made when the eval images are predicted."""
RESULTS = ("epochs.json", "validation.npz", *OF_EVAL, "weights.safetensors")
"""What a trial found, the epochs first: files that are replaced and never changed."""
EPOCHS = TypeAdapter(list[EpochRecord])
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
