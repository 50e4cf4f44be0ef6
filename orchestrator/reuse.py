"""Was a configuration trained before? Then its results are taken, and it is not trained again."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.device import Device, select_device
from trainable.locations import Location
from trainable.recipes.recipe import Settings
from trainable.records import Outcome, TrialResults
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder, all_experiments, experiment_of
from trainable.trial_folder import TrialFolder

NUMERIC = ("code", "torch", "timm", "albumentations", "numpy", "scikit-learn")
"""Versions that a trial's numbers depend on; the others only decide which trials there are."""


@dataclass(frozen=True)
class FinishedTrials:
    """Completed trials that the same code trained on the same data, by their identity."""

    by_identity: defaultdict[str, list[TrialFolder]]

    @classmethod
    def index(
        cls, runs: Location, fingerprint: str, versions: Mapping[str, str]
    ) -> "FinishedTrials":
        """Read those of a runs folder; what cannot be read is not among them.

        ``fingerprint`` is of the data, ``versions`` are as ``trainable.experiment`` tells them.
        """
        finished = cls(defaultdict(list))
        for experiment in all_experiments(runs):
            if _is_of(experiment, fingerprint, versions):
                for trial in experiment.trials():
                    finished.add(trial)
        return finished

    def add(self, trial: TrialFolder) -> None:
        """Take a trial of the same code and data, if it is completed and can be read."""
        results = _completed(trial)
        if results and trial not in self.by_identity[results.record.identity]:
            self.by_identity[results.record.identity].append(trial)

    def find(
        self,
        config: TrialConfig,
        device: Device | None = None,
        apart_from: TrialFolder | None = None,
    ) -> TrialFolder | None:
        """Return a trial that training ``config`` would only repeat, None where there is none.

        Settings, training labels, crops, device and precision are the same. ``device`` is where
        the configuration would be trained; without it, that is this process. ``apart_from`` is the
        trial that looks: it may have been taken and not be told so yet. One that has kept its
        weights is preferred.
        """
        known = self.by_identity.get(config.identity(), ())
        equal = [trial for trial in known if trial != apart_from]
        if not equal:
            return None
        place = device or select_device(config.machine, sam_rho=config.optim.sam_rho)
        members = config.member_configs()
        views = {name: load_data(own.data).view for name, own in members.items()}
        found = [trial for trial in equal if _is_alike(trial, place, views)]
        return max(found, key=TrialFolder.has_weights, default=None)


def take(found: TrialFolder, into: TrialFolder, config: TrialConfig, values: Settings) -> None:
    """Let a finished trial's results be those of a new trial ``into``, which says so.

    The outcome is written last: a trial that was half taken is taken again.
    """
    record = found.read().record
    source = f"{experiment_of(found).name}/{found.name}"
    here = record.config.with_values({"data.root": config.data.root})
    changed = {"trial": into.name, "config": here, "values": dict(values), "taken_from": source}
    into.write_record(record.model_copy(update=changed))
    into.take_results(found)
    into.write_outcome(Outcome(status="completed", reason=f"taken from {source}"))


def _is_of(experiment: ExperimentFolder, fingerprint: str, versions: Mapping[str, str]) -> bool:
    try:
        record = experiment.read_record()
    except UnreadableFileError:
        return False
    same_code = all(record.versions.get(name) == versions.get(name) for name in NUMERIC)
    return same_code and record.data_fingerprint == fingerprint


def _completed(trial: TrialFolder) -> TrialResults | None:
    try:
        results = trial.read()
    except UnreadableFileError:
        return None
    # Not how many there are: further folds in turn train no longer than the first one's best epoch.
    trained = results.epochs[-1].epoch if results.epochs else 0
    is_whole = trained >= results.record.config.steps and not results.record.mixed_from
    return results if is_whole and results.outcome.status == "completed" else None


def _is_alike(trial: TrialFolder, device: Device, views: Mapping[str, str]) -> bool:
    """Say whether a trial of the same settings saw the same, in the same place, and is readable."""
    try:
        record = trial.read().record
        trial.read_validation()
    except UnreadableFileError:
        return False
    place = Device(record.machine.device, record.machine.precision)
    return place == device and record.views == views
