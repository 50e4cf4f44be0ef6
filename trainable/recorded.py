"""How does a fit in progress leave nothing unrecorded, and go on wherever it was?"""

import json
import os
import platform
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors.torch import save_file

from trainable.checkpoint import load_state, packed, read_notes, save_state
from trainable.config import TrialConfig
from trainable.device import select_device
from trainable.fitting import Fit
from trainable.records import EpochRecord, MachineRecord, TrialRecord, best_epoch
from trainable.settings import Value
from trainable.store import (
    EPOCHS,
    BusyTrialError,
    TrialFolder,
    UnreadableFileError,
    atomic_path,
    now,
    reading,
)


class RecordedFit:
    """A fit whose every epoch is stored as soon as it is finished.

    It goes on from the state in the folder, if that is one of the same settings, labels and crops;
    ``notice`` says why where it does not. Probabilities and weights are those of the best epoch so
    far: a trial is worth its best epoch, not its last. Nobody else trains in the folder before
    ``close``, or the end of the process.
    """

    def __init__(
        self, config: TrialConfig, folder: TrialFolder, values: Mapping[str, Value]
    ) -> None:
        started, clock = now(), time.perf_counter()
        self.notice = ""
        self._folder = folder
        with ExitStack() as held:
            held.enter_context(folder.held())
            folder.discard_partial_files()
            self.fit = Fit(config)
            self._marks = {"identity": config.identity(), "views": json.dumps(self.fit.views)}
            self.epochs = self._go_on() if folder.has_state() else []
            if self.epochs:
                folder.write_epochs(self.epochs)
            self._commit_seconds, self._stamp = 0.0, folder.state_stamp()
            # Written with the first step: Ray may build a trial in a process that it then drops.
            self._unwritten: TrialRecord | None = TrialRecord(
                trial=folder.name,
                config=config,
                values=dict(values),
                identity=config.identity(),
                views=self.fit.views,
                machine=machine_record(config),
                setup_seconds=time.perf_counter() - clock,
                started=started,
            )
            self._held = held.pop_all()

    @property
    def best_score(self) -> float:
        """Score of the best epoch over the most folds so far, 0 before the first."""
        best = best_epoch(self.epochs)
        return best.score if best else 0.0

    def step(self) -> EpochRecord:
        """Train and store one epoch: it counts from when the state is written."""
        self._begin()
        epoch = self.fit.step()
        started = time.perf_counter()
        if best_epoch([*self.epochs, epoch]) is epoch:
            self._folder.write_validation(self.fit.validation_probabilities())
            write_weights(self.fit, self._folder.weights_file)
        epoch = self._timed(epoch, time.perf_counter() - started)
        self._commit([*self.epochs, epoch])
        self._folder.write_epochs(self.epochs)
        return epoch

    def close(self) -> None:
        """Let another process go on with the trial."""
        self._held.close()

    def reopen(self) -> None:
        """Take the trial again after ``close``.

        Raises BusyTrialError where another process trains it, or has gone on with it meanwhile.
        """
        with ExitStack() as held:
            held.enter_context(self._folder.held())
            if self._folder.state_stamp() != self._stamp:
                raise BusyTrialError(f"another process has gone on with {self._folder.path}")
            self._held = held.pop_all()

    def _begin(self) -> None:
        if self._unwritten:
            self._folder.write_record(self._unwritten)
            self._folder.write_epochs(self.epochs)
            self._unwritten = None

    def _go_on(self) -> list[EpochRecord]:
        """Take the stored state and return its epochs; none where it is not this trial's."""
        file = self._folder.state_file
        try:
            notes = read_notes(file)
            if not self._marks.items() <= notes.items():
                self.notice = (
                    f"{file} was left by a trial of other settings, labels or crops: "
                    f"{self._folder.name} starts anew"
                )
                return []
            with reading(file):
                epochs = EPOCHS.validate_json(notes.get("epochs", ""))
            self.fit.load_state_dict(load_state(file))
        except UnreadableFileError as error:
            self.notice = f"{error}: {self._folder.name} starts anew"
            return []
        return epochs

    def _timed(self, epoch: EpochRecord, store_seconds: float) -> EpochRecord:
        # A state holds its own record, so how long it took to write stands in the next one.
        stored = {**epoch.seconds, "store": store_seconds + self._commit_seconds}
        return epoch.model_copy(update={"seconds": stored})

    def _commit(self, epochs: list[EpochRecord]) -> None:
        started = time.perf_counter()
        notes = {**self._marks, "epochs": EPOCHS.dump_json(epochs).decode()}
        save_state(self.fit.state_dict(), self._folder.state_file, notes)
        self.epochs = epochs
        self._stamp = self._folder.state_stamp()
        self._commit_seconds = time.perf_counter() - started


def write_weights(fit: Fit, path: Path) -> None:
    """Store the weights of a fit's networks."""
    weights = {name: packed(value) for name, value in fit.weights().items()}
    with atomic_path(path) as partial:
        save_file(weights, partial)


def machine_record(config: TrialConfig) -> MachineRecord:
    """Return where this process trains: what must be alike for the same numbers."""
    device = select_device(config.machine, sam_rho=config.optim.sam_rho)
    is_cuda = device.name == "cuda"
    return MachineRecord(
        host=platform.node(),
        process=os.getpid(),
        device=device.name,
        precision=device.precision,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        processor=torch.cuda.get_device_name() if is_cuda else _processor(),
    )


def _processor() -> str:
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
