"""How does a fit in progress leave nothing unrecorded, and go on wherever it was?"""

import json
import os
import platform
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

import torch
from safetensors.torch import load_file, save_file

from trainable.checkpoint import load_state, packed, read_notes, save_state
from trainable.config import TrialConfig
from trainable.device import processor_name, select_device
from trainable.experiment import versions
from trainable.files import write_with
from trainable.fitting import Fit
from trainable.locations import Location
from trainable.patience import patient, waits_over
from trainable.records import EpochRecord, MachineRecord, TrialRecord, best_epoch
from trainable.settings import UserError, Value
from trainable.storage_errors import UnreadableFileError
from trainable.store import now
from trainable.stored import local_copy, reading
from trainable.trial_folder import EPOCHS, BusyTrialError, TrialFolder

CODE = "code"
"""Key, among the notes of a state and the versions, of the code that wrote it."""
MISFIT = (LookupError, RuntimeError, TypeError, ValueError)
"""What loading a state raises where it is not laid out as this code does it."""


class OtherTrialError(UserError):
    """A state is not of the trial that should go on from it; the message names the file."""


class RecordedFit:
    """A fit whose every epoch is stored as soon as it is finished.

    It goes on from the state in the folder, if that is one of the same settings, labels and crops;
    where that is damaged, from the one before. ``notice`` is a sentence for the user where it does
    not go on from the last one, or had to wait for storage, and empty otherwise. Probabilities and
    weights are those of the best epoch so far: a trial is worth its best epoch, not its last.
    Nobody else trains in the folder before ``close``, or the end of the process.
    """

    def __init__(
        self, config: TrialConfig, folder: TrialFolder, values: Mapping[str, Value]
    ) -> None:
        started, clock = now(), time.perf_counter()
        self.notice = ""
        self._folder = folder
        with ExitStack() as held:
            held.enter_context(patient())
            held.enter_context(folder.held())
            folder.discard_partial_files()
            self.fit = Fit(config)
            self._config = config
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
        self._check_alone()
        if best_epoch([*self.epochs, epoch]) is epoch:
            self._folder.discard_eval()
            self._folder.write_validation(self.fit.validation_probabilities())
            write_weights(self.fit, self._folder.weights_file)
        epoch = self._timed(epoch, time.perf_counter() - started)
        self._commit([*self.epochs, epoch])
        self._folder.write_epochs(self.epochs)
        self.notice = "; ".join([*filter(None, [self.notice]), *waits_over()])
        return epoch

    def close(self) -> None:
        """Let another process go on with the trial."""
        self._held.close()

    def reopen(self) -> None:
        """Take the trial again after ``close``.

        Raises BusyTrialError where another process trains it, or has gone on with it meanwhile.
        """
        with ExitStack() as held:
            held.enter_context(patient())
            held.enter_context(self._folder.held())
            self._check_alone()
            self._held = held.pop_all()

    def _check_alone(self) -> None:
        """Raise BusyTrialError where another process has gone on: in a bucket nothing locks it out.

        This one may have been cut off, and taken for dead, while it trained. Where the folder
        itself is gone the storage is away, and the next write waits for it.
        """
        found = self._folder.state_stamp()
        if found != self._stamp and (found or self._folder.path.exists()):
            raise BusyTrialError(f"another process has gone on with {self._folder.path}")

    def _begin(self) -> None:
        if self._unwritten:
            self._folder.write_record(self._unwritten)
            self._folder.write_epochs(self.epochs)
            self._unwritten = None

    def _go_on(self) -> list[EpochRecord]:
        """Take the last state, or the one before it, and return its epochs; none of neither."""
        problems: list[str] = []
        for file in self._folder.states():
            try:
                epochs = self._take(file)
            except UnreadableFileError as error:
                problems.append(str(error))
                continue
            except OtherTrialError as error:
                problems.append(str(error))
                break
            if problems:
                self._folder.return_to_previous_state()
                self.notice = (
                    f"{problems[0]}: {self._folder.name} goes on from the state before it, "
                    f"of epoch {epochs[-1].epoch}"
                )
            return epochs
        self.notice = (
            f"{'; '.join(problems)}: {self._folder.name} starts anew, and the predictions and "
            "weights that are stored of it will be replaced"
        )
        return []

    def _take(self, file: Location) -> list[EpochRecord]:
        """Take a state and return its epochs; where that fails the fit is as it was."""
        notes = read_notes(file)
        if not self._marks.items() <= notes.items():
            raise OtherTrialError(f"{file} was left by a trial of other settings, labels or crops")
        with reading(file):
            epochs = EPOCHS.validate_json(notes.get("epochs", ""))
        state = load_state(file)
        try:
            self.fit.load_state_dict(state)
        except MISFIT as error:
            if notes.get(CODE) == versions()[CODE] or isinstance(error, torch.OutOfMemoryError):
                raise
            problem = f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            return epochs
        self.fit = Fit(self._config)  # a part of the state may have been taken
        raise UnreadableFileError(f"cannot use {file}, which other code has written: {problem}")

    def _timed(self, epoch: EpochRecord, store_seconds: float) -> EpochRecord:
        # A state holds its own record, so how long it took to write stands in the next one.
        stored = {**epoch.seconds, "store": store_seconds + self._commit_seconds}
        return epoch.model_copy(update={"seconds": stored})

    def _commit(self, epochs: list[EpochRecord]) -> None:
        started = time.perf_counter()
        records = EPOCHS.dump_json(epochs).decode()
        notes = {**self._marks, CODE: versions()[CODE], "epochs": records}
        folder = self._folder
        self._check_alone()
        save_state(self.fit.state_dict(), folder.state_file, notes, folder.previous_state_file)
        self.epochs = epochs
        self._stamp = self._folder.state_stamp()
        self._commit_seconds = time.perf_counter() - started


def write_weights(fit: Fit, path: Location) -> None:
    """Store the weights of a fit's networks."""
    weights = {name: packed(value) for name, value in fit.weights().items()}
    write_with(path, partial(save_file, weights))


def load_weights(fit: Fit, path: Location) -> None:
    """Take stored weights; UnreadableFileError where they are damaged, or other networks'."""
    with reading(path), local_copy(path) as file:
        weights = load_file(file)
    try:
        fit.load_weights(weights)
    except MISFIT as error:
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UnreadableFileError(f"{path} holds no weights of this trial: {problem}") from None


def machine_record(config: TrialConfig) -> MachineRecord:
    """Return where this process trains: what must be alike for the same numbers."""
    device = select_device(config.machine, sam_rho=config.optim.sam_rho)
    return MachineRecord(
        host=platform.node(),
        process=os.getpid(),
        device=device.name,
        precision=device.precision,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        processor=processor_name(device.name),
    )
