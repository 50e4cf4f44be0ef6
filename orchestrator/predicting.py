"""Who predicts the eval images with the best trials, one after another, until when?"""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import ray
import ray.exceptions
import torch

from orchestrator.nodes import none_of
from orchestrator.slots import Slots
from trainable.device import release_memory
from trainable.known_data import last_start, load_data_as_of
from trainable.predict import predict_eval
from trainable.store import ExperimentFolder, experiment_of
from trainable.trial_folder import TrialFolder


@dataclass(frozen=True)
class Predicting:
    """Where the eval images are predicted, and until when (seconds since 1970; None: no limit).

    ``avoid`` are machines that cannot do it.
    """

    slots: Slots
    is_joined: bool
    end: float | None = None
    avoid: frozenset[str] = frozenset()

    @property
    def is_here(self) -> bool:
        """Whether the driver itself predicts.

        On this machine, unless it has several GPUs: a new process would first import torch, which
        takes longer. On a cluster the slots of the search do it.
        """
        return not self.is_joined and self.slots.gpus * self.slots.count <= 1


@dataclass(frozen=True)
class Share:
    """The trials with which one slot predicts, in turn, and until when.

    The ``best`` of all is predicted in any case.
    """

    trials: Sequence[TrialFolder]
    best: str
    end: float | None

    @property
    def missing(self) -> list[TrialFolder]:
        """The trials that are not predicted."""
        return [trial for trial in self.trials if not trial.has_eval()]

    def predict(self) -> dict[str, str]:
        """Predict with each trial that is missing; return why it did not go well."""
        failures: dict[str, str] = {}
        longest = 0.0
        for trial in self.missing:
            started = time.time()
            if self._is_late(trial, started + longest):
                failures[trial.name] = left_out(trial)
                continue
            try:
                _predict_as_begun(trial)
            except (RuntimeError, ValueError, OSError) as error:
                failures[trial.name] = str(error)
            release_memory()
            longest = max(longest, time.time() - started)
        return failures

    def _is_late(self, trial: TrialFolder, ready: float) -> bool:
        return self.end is not None and trial.name != self.best and ready > self.end


def predict_all(folder: ExperimentFolder, trials: Sequence[str], where: Predicting) -> list[str]:
    """Predict the eval images with each trial, the best first; return those that are predicted.

    Predictions that an earlier driver made are of the best epoch still. What there is no time for
    is left out, and it is said how to make up for it.
    """
    whole = ExperimentFolder(folder.path.resolve())
    new = [trial for trial in map(whole.trial, trials) if not trial.has_eval()]
    count = min(where.slots.count, len(new))
    shares = [Share(new[i::count], trials[0], where.end) for i in range(count)]
    failures = (predict_here if where.is_here else predict_there)(shares, where)
    for name, reason in failures.items():
        print(f"{name}: the eval images could not be predicted: {reason}", file=sys.stderr)
    return [name for name in trials if name not in failures]


def predict_here(shares: Sequence[Share], where: Predicting) -> dict[str, str]:
    """Predict in threads of this process; return why a trial did not go well."""
    threads = torch.get_num_threads()
    # As many threads as a trial has: more would spin for cores that others use.
    torch.set_num_threads(max(1, int(where.slots.cpus)))
    with ThreadPoolExecutor(where.slots.count) as pool:
        found = list(pool.map(Share.predict, shares))
    torch.set_num_threads(threads)
    return {name: reason for failures in found for name, reason in failures.items()}


def predict_there(shares: Sequence[Share], where: Predicting) -> dict[str, str]:
    """Predict in a process for each share, as Ray ends one after each task that has a GPU."""
    slots = where.slots
    cpus, gpus = slots.cpus / slots.processes, slots.gpus / slots.processes
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus, label_selector=none_of(where.avoid))(
        Share.predict
    )
    failures: dict[str, str] = {}
    for share, task in [(share, remote.remote(share)) for share in shares]:
        failures |= _answer(share, task)
    return failures


def _answer(share: Share, task: Any) -> dict[str, str]:
    """Wait for a share until its end, and for the best of all for as long as it takes."""
    left = None if share.end is None else max(0.0, share.end - time.time())
    is_ready, _ = ray.wait([task], timeout=left)
    if not is_ready and share.best not in {trial.name for trial in share.missing}:
        ray.cancel(task)
        return {trial.name: left_out(trial) for trial in share.missing}
    try:
        return ray.get(task)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        return {trial.name: reason for trial in share.missing}


def left_out(trial: TrialFolder) -> str:
    """Say that a trial is not predicted, and how it can be."""
    return f"no time was left; python -m trainable.predict trial={trial.path}"


def _predict_as_begun(trial: TrialFolder) -> None:
    """Predict with the images as they were when the search began."""
    start = last_start(experiment_of(trial))
    for own in trial.read().record.config.member_configs().values():
        load_data_as_of(own.data, start)
    predict_eval(trial)
