"""How long does a step of a trial take, and its start? Learnt from those that were trained."""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from statistics import median, median_low

from orchestrator.kind import Kind, backbones, kind_of, times_as_long
from trainable.config import TrialConfig
from trainable.locations import Location
from trainable.records import EpochRecord, MachineRecord
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder, all_experiments
from trainable.trial_folder import TrialFolder

REMEMBERED = 9
"""The median of so many last measurements counts: a process's first epoch is slow, and one among
several does not move it."""
ERRORS_REMEMBERED = 32
FIRST_ERROR = 0.2
"""The error of an estimate, as a share of it, that is reckoned with before others were seen."""
EARLIER_TRIALS = 200
"""Newest stored trials that are looked at."""


class Seconds:
    """What something takes for each kind: as measured lately, else as estimated before.

    Where it is asked, an ``estimate_counts`` as one measurement more, so that the slow first epoch
    of a process, while there is no other, does not take the time from what comes after it.
    """

    def __init__(self, *, estimate_counts: bool = False) -> None:
        self._estimate_counts = estimate_counts
        self._measured: dict[Kind, deque[float]] = {}
        self._estimated: dict[Kind, float] = {}

    def learn(self, kind: Kind, seconds: float) -> None:
        """Take in a measurement."""
        self._measured.setdefault(kind, deque(maxlen=REMEMBERED)).append(seconds)

    def seed(self, kind: Kind, seconds: float) -> None:
        """Take in an estimate, more than 0, which counts until the kind is measured."""
        self._estimated[kind] = seconds

    def measured(self, kind: Kind) -> float | None:
        """Return the median of the last measurements, the lower of two; None before the first."""
        return median_low(self._measured[kind]) if kind in self._measured else None

    def known(self) -> dict[Kind, float]:
        """Return what was measured, and what was estimated of the kinds that were not."""
        measured = {kind: self._median(kind) for kind in self._measured}
        return self._estimated | measured

    def corrected(self) -> dict[Kind, float]:
        """Return the same, with estimates changed by as much as others were off in the median.

        Trials side by side slow each other, and estimates were made alone or long ago.
        """
        known, estimated = self.known(), self._estimated
        off = [known[kind] / estimated[kind] for kind in estimated if kind in self._measured]
        drift = median(off) if off else 1.0
        unmeasured = estimated.keys() - self._measured.keys()
        return known | {kind: drift * known[kind] for kind in unmeasured}

    def _median(self, kind: Kind) -> float:
        measured = [*self._measured[kind]]
        if self._estimate_counts and kind in self._estimated:
            measured.append(self._estimated[kind])
        return median_low(measured)

    def as_estimates(self) -> "Seconds":
        """Return the same as estimates."""
        seconds = Seconds(estimate_counts=self._estimate_counts)
        seconds._estimated = self.known()
        return seconds


class Pace:
    """Seconds of a step, of a start and of predicting an image, by kind of trial."""

    def __init__(self) -> None:
        self._steps = Seconds(estimate_counts=True)
        self._starts = Seconds()
        self._extreme_starts: tuple[float, float] | None = None
        self._predictions = Seconds()
        self._errors = deque([FIRST_ERROR], maxlen=ERRORS_REMEMBERED)

    def learn(self, kind: Kind, step_seconds: float, epoch: int | None = None) -> None:
        """Take in how long a step took; epochs (from 1) with a frozen backbone teach nothing."""
        if epoch is not None and epoch <= max(own.frozen for own in kind):
            return
        expected = self._steps.measured(kind)
        if expected:
            self._errors.append(step_seconds / expected - 1)
        self._steps.learn(kind, step_seconds)

    def learn_epoch(self, kind: Kind, epoch: EpochRecord, validated: int) -> None:
        """Take in an epoch after which so many images were predicted, or none."""
        self.learn(kind, epoch.epoch_seconds, epoch.epoch)
        if validated:
            self.learn_prediction(kind, epoch.seconds["validation"] / validated)

    def learn_start(self, kind: Kind, seconds: float) -> None:
        """Take in how long a trial took from being given a slot to its first step."""
        self._starts.learn(kind, seconds)
        least, most = self._extreme_starts or (seconds, seconds)
        self._extreme_starts = min(least, seconds), max(most, seconds)

    def learn_prediction(self, kind: Kind, seconds_per_image: float) -> None:
        """Take in how long a network took for an image in validation."""
        self._predictions.learn(kind, seconds_per_image)

    def seed(
        self, kind: Kind, step_seconds: float, start_seconds: float, seconds_per_image: float
    ) -> None:
        """Take in estimates, which count until the kind is measured."""
        self._steps.seed(kind, step_seconds)
        self._starts.seed(kind, start_seconds)
        self._predictions.seed(kind, seconds_per_image)

    def step_seconds(self, kind: Kind) -> float | None:
        """Return what a step takes, rather too long than too short for a kind not yet known.

        That is the least of what follows from other kinds with the same backbones, else the most
        of what follows from all others. None while nothing is known.
        """
        known = self._steps.corrected()
        if kind in known:
            return known[kind]
        bounds = {other: times_as_long(kind, other) * known[other] for other in known}
        alike = [bounds[other] for other in known if backbones(other) == backbones(kind)]
        return min(alike) if alike else max(bounds.values(), default=None)

    def start_seconds(self, kind: Kind) -> float | None:
        """Return what a start takes, the most of all for a kind not measured; None if none is."""
        own = self._starts.measured(kind)
        return max(self._starts.known().values(), default=None) if own is None else own

    def quickest_start(self) -> float:
        """Return what a start in a process that has begun takes; 0 where nothing is known."""
        known = self._starts.known().values()
        return self._extreme_starts[0] if self._extreme_starts else min(known, default=0.0)

    def slowest_start(self) -> float:
        """Return what a start in a new process takes, which has to import torch; 0 as above."""
        known = self._starts.known().values()
        return self._extreme_starts[1] if self._extreme_starts else max(known, default=0.0)

    def seconds_per_image(self) -> float | None:
        """Return what predicting an image takes with the slowest kind; None if none is known."""
        return max(self._predictions.corrected().values(), default=None)

    def as_estimates(self) -> "Pace":
        """Return a pace for which all that is known here is an estimate."""
        pace = Pace()
        pace._steps = self._steps.as_estimates()
        pace._starts = self._starts.as_estimates()
        pace._predictions = self._predictions.as_estimates()
        return pace

    @property
    def spread(self) -> float:
        """The root mean square error of estimates of a step, as a share of them."""
        return math.sqrt(sum(error**2 for error in self._errors) / len(self._errors))


def pace_of_earlier(runs: Location, machine: MachineRecord, data_fingerprint: str) -> Pace:
    """Return estimates from the newest stored trials of the same data on the same machine.

    Damaged ones are left out: what they could tell is soon measured anew.
    """
    earlier = Pace()
    for trial in reversed(list(islice(_newest_trials(runs, data_fingerprint), EARLIER_TRIALS))):
        with suppress(UnreadableFileError):
            _learn_trial(earlier, trial, machine)
    return earlier.as_estimates()


def _newest_trials(runs: Location, data_fingerprint: str) -> Iterator[TrialFolder]:
    found: list[tuple[str, ExperimentFolder]] = []
    for experiment in all_experiments(runs):
        with suppress(UnreadableFileError):
            record = experiment.read_record()
            if record.data_fingerprint == data_fingerprint:
                found.append((record.started[-1], experiment))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return (trial for _, experiment in found for trial in reversed(experiment.trials()))


def _learn_trial(pace: Pace, trial: TrialFolder, machine: MachineRecord) -> None:
    results = trial.read()
    if results.record.mixed_from:
        return
    if _without_process(results.record.machine) != _without_process(machine) or not results.best:
        return
    config, kind = results.record.config, kind_of(results.record.config)
    rows = len(trial.read_validation().rows)
    at_once = rows // results.best.folds if config.cv.fidelity == "folds" else rows
    pace.learn_start(kind, results.record.setup_seconds)
    for epoch in results.epochs:
        pace.learn_epoch(kind, epoch, at_once if predicts_after(config, epoch.epoch) else 0)


def predicts_after(config: TrialConfig, step: int) -> bool:
    """Say whether a step of a trial ends with predicting persons.

    Of folds that come one after the other, further ones predict theirs when they are complete.
    """
    is_first = step <= config.train.epochs
    return config.cv.fidelity == "epochs" or is_first or step % config.train.epochs == 0


def _without_process(machine: MachineRecord) -> MachineRecord:
    return machine.model_copy(update={"process": 0})
