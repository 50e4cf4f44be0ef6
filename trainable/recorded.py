"""How does a fit in progress leave nothing unrecorded?"""

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save

from trainable.checkpoint import load_state, packed, save_state
from trainable.config import TrialConfig
from trainable.device import select_device
from trainable.fitting import Fit
from trainable.records import EpochRecord, MachineRecord, TrialRecord
from trainable.settings import Value
from trainable.store import TrialFolder, atomic_file, now


class RecordedFit:
    """A fit whose every epoch is stored as soon as it is finished.

    Probabilities and weights are those of the best epoch so far: a trial is worth its best epoch,
    not its last.
    """

    def __init__(
        self, config: TrialConfig, folder: TrialFolder, values: Mapping[str, Value]
    ) -> None:
        started, clock = now(), time.perf_counter()
        self.fit = Fit(config)
        self._folder = folder
        self._epochs: list[EpochRecord] = []
        record = TrialRecord(
            trial=folder.name,
            config=config,
            values=dict(values),
            identity=config.identity(),
            views=self.fit.views,
            machine=machine_record(config),
            setup_seconds=time.perf_counter() - clock,
            started=started,
        )
        folder.write_record(record)

    @property
    def best_score(self) -> float:
        """Score of the best epoch so far, 0 before the first."""
        return max((epoch.score for epoch in self._epochs), default=0.0)

    def step(self) -> EpochRecord:
        """Train and store one epoch."""
        epoch = self.fit.step()
        started = time.perf_counter()
        if not self._epochs or epoch.score > self.best_score:
            self._folder.write_validation(self.fit.validation_probabilities())
            write_weights(self.fit, self._folder.weights_file)
        stored = {**epoch.seconds, "store": time.perf_counter() - started}
        epoch = epoch.model_copy(update={"seconds": stored})
        self._epochs.append(epoch)
        self._folder.write_epochs(self._epochs)
        return epoch

    def save(self, folder: Path) -> None:
        """Write a checkpoint from which ``load`` continues."""
        save_state(self.fit.state_dict(), folder)

    def load(self, folder: Path) -> None:
        """Continue from a checkpoint; epochs stored after it are forgotten."""
        self.fit.load_state_dict(load_state(folder))
        self._epochs = self._folder.read_epochs()[: self.fit.epoch]


def write_weights(fit: Fit, path: Path) -> None:
    """Store the weights of a fit's networks."""
    weights = {name: packed(value) for name, value in fit.weights().items()}
    with atomic_file(path) as file:
        file.write(save(weights))


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
