"""What did an experiment find? Its stored trials, best first."""

from dataclasses import dataclass

from trainable.fetch import copy_of
from trainable.image_files import DataFolder
from trainable.labels import TASKS
from trainable.locations import Location
from trainable.metric_names import SCORE
from trainable.records import EpochRecord, ExperimentRecord, TrialResults
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder, open_experiment
from trainable.trial_folder import TrialFolder


@dataclass(frozen=True)
class Trial:
    """A stored trial whose records could be read; ``name`` tells it from the others in use."""

    folder: TrialFolder
    results: TrialResults
    name: str

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the trial answers."""
        return self.results.record.config.tasks

    @property
    def best(self) -> EpochRecord | None:
        """The epoch with the highest score over the most folds; None before the first."""
        return self.results.best

    @property
    def folds(self) -> int:
        """Folds that the best epoch's score pools; 0 before the first epoch."""
        return self.best.folds if self.best else 0

    @property
    def has_failed(self) -> bool:
        """Say whether the trial ended in an error."""
        return self.results.outcome.status == "failed"

    @property
    def is_finished(self) -> bool:
        """Say whether the trial has ended without an error and with at least one epoch."""
        ended = self.results.outcome.status in ("completed", "stopped")
        return ended and self.best is not None


@dataclass(frozen=True)
class DamagedTrial:
    """A stored trial whose records cannot be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Experiment:
    """A stored experiment: ``trials`` best first, failed ones last.

    A score over more folds comes before a higher one over fewer.
    """

    folder: ExperimentFolder
    trials: list[Trial]
    damaged: list[DamagedTrial]

    @property
    def finished(self) -> list[Trial]:
        """The trials that ended without an error, best first."""
        return [trial for trial in self.trials if trial.is_finished]


def data_folder(record: ExperimentRecord) -> DataFolder:
    """Return where an experiment's images are, its links followed if its trials did."""
    data = record.settings.get("data")
    return DataFolder(
        copy_of(record.data_root),
        follow_links=isinstance(data, dict) and data.get("follow_links") is True,
    )


def load_experiment(runs: Location, name: str) -> Experiment:
    """Read an experiment's trials; UserError where there is no such experiment."""
    folder = open_experiment(runs, name)
    found = [_read(trial) for trial in folder.trials()]
    trials = sorted((trial for trial in found if isinstance(trial, Trial)), key=_order)
    damaged = [trial for trial in found if isinstance(trial, DamagedTrial)]
    return Experiment(folder, trials, damaged)


def _read(folder: TrialFolder) -> Trial | DamagedTrial:
    try:
        results = folder.read()
    except UnreadableFileError as error:
        return DamagedTrial(folder.name, str(error))
    trial = Trial(folder, results, folder.name)
    needed = [f"{task}_f1" for task in trial.tasks]
    needed += [SCORE] if trial.tasks == TASKS else []
    for name in needed:
        if any(name not in epoch.metrics for epoch in results.epochs):
            return DamagedTrial(folder.name, f"an epoch of {folder.path} has no {name}")
    return trial


def _order(trial: Trial) -> tuple[bool, int, float, str]:
    score = trial.best.score if trial.best else float("-inf")
    return trial.has_failed, -trial.folds, -score, trial.name
