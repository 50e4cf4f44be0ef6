"""How much memory do a search's largest trials take? Measured once, and remembered."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch
from pydantic import TypeAdapter

from orchestrator.plan import Plan
from search_spaces.ends import corner_values
from trainable.cache import cache_folder
from trainable.config import TrialConfig
from trainable.files import write_text
from trainable.footprint import footprint, networks_at_once
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder
from trainable.stored import reading

COUNTING = (
    *("data.image_height", "data.image_width", "train.batch_size"),
    *("model.backbone", "model.hidden"),
    *("optim.name", "optim.sam_rho", "optim.ema_decay"),
    *("cv.folds", "cv.fidelity", "members.use", "machine.precision", "machine.micro_batches"),
)
"""The settings that memory depends on."""
BYTES = TypeAdapter(dict[str, int])


def largest(plan: Plan) -> TrialConfig:
    """Return the settings of one of the search's trials that take the most memory."""
    points = plan.points or corner_values(plan.space, plan.base, COUNTING)
    return max((plan.base.with_values(values) for values in points), key=footprint)


class MemoryKept:
    """Bytes that trials take, by what they depend on and the type of GPU; kept in one file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or cache_folder() / "memory.json"

    def bytes_of(self, config: TrialConfig, gpu: str) -> int | None:
        """Return what such a trial takes of such a GPU, None while none was measured."""
        return self._read().get(_key(config, gpu))

    def keep(self, config: TrialConfig, gpu: str, found: int) -> None:
        """Remember what such a trial took: the most of all that were measured."""
        kept, key = self._read(), _key(config, gpu)
        if found > kept.get(key, 0):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_text(self._file, BYTES.dump_json(kept | {key: found}, indent=1).decode())

    def learn(self, folder: ExperimentFolder) -> None:
        """Remember what an experiment's trials took, each of the GPU that it ran on."""
        for trial in folder.trials():
            with suppress(UnreadableFileError):
                results = trial.read()
                most = max((epoch.memory_bytes for epoch in results.epochs), default=0)
                self.keep(results.record.config, results.record.machine.processor, most)

    def _read(self) -> dict[str, int]:
        """Return what is kept, nothing where it cannot be read: it is soon measured anew."""
        try:
            with reading(self._file) as file:
                return BYTES.validate_json(file.read_bytes())
        except UnreadableFileError:
            return {}


def _key(config: TrialConfig, gpu: str) -> str:
    kind = [dict(_counting(own)) for own in config.member_configs().values()]
    return f"{gpu}, torch {torch.__version__}: {networks_at_once(config)} {json.dumps(kind)}"


def _counting(config: TrialConfig) -> Iterator[tuple[str, object]]:
    for path in COUNTING:
        value = config.value(path)
        yield path, value > 0 if path in ("optim.sam_rho", "optim.ema_decay") else value
