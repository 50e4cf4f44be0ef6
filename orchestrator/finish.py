"""What is left to do when the trials are over? Eval predictions and a summary."""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ray
import ray.exceptions
import torch

from orchestrator.nodes import none_of
from orchestrator.progress import SearchProgress, TrialProgress
from orchestrator.slots import Slots
from trainable.known_data import last_start, load_data_as_of
from trainable.locations import Location
from trainable.predict import predict_eval
from trainable.store import LATEST, ExperimentFolder, experiment_of
from trainable.trial_folder import TrialFolder


def best_trials(progress: SearchProgress, folder: ExperimentFolder, count: int) -> list[str]:
    """Return the best trials that ended well and still have weights, best first."""
    names = [trial.trial for trial in progress.ended_well]
    return [name for name in names if folder.trial(name).has_weights()][:count]


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


def predict_all(folder: ExperimentFolder, trials: Sequence[str], where: Predicting) -> list[str]:
    """Predict the eval images with each trial, the best first; return those that went well.

    What there is no time for is left out, and it is said how to make up for it.
    """
    predict = _predict_here if where.is_here else _predict_there
    failures = predict(folder, trials, where)
    for name, reason in failures.items():
        print(f"{name}: the eval images could not be predicted: {reason}", file=sys.stderr)
    return [name for name in trials if name not in failures]


def _predict_here(
    folder: ExperimentFolder, trials: Sequence[str], where: Predicting
) -> dict[str, str]:
    longest = 0.0

    def predict(name: str) -> str:
        nonlocal longest
        started = time.time()
        if where.end is not None and name != trials[0] and started + longest > where.end:
            return _left_out(folder, name)
        # As many threads as a trial has: more would spin for cores that others use.
        torch.set_num_threads(max(1, int(where.slots.cpus)))
        try:
            _predict_as_begun(folder.trial(name))
        except (RuntimeError, ValueError, OSError) as error:
            return str(error)
        longest = max(longest, time.time() - started)
        return ""

    threads = torch.get_num_threads()
    with ThreadPoolExecutor(where.slots.count) as pool:
        reasons = dict(zip(trials, pool.map(predict, trials), strict=True))
    torch.set_num_threads(threads)
    return {name: reason for name, reason in reasons.items() if reason}


def _predict_there(
    folder: ExperimentFolder, trials: Sequence[str], where: Predicting
) -> dict[str, str]:
    whole = ExperimentFolder(folder.path.resolve())
    slots = where.slots
    cpus, gpus = slots.cpus / slots.processes, slots.gpus / slots.processes
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus, label_selector=none_of(where.avoid))(
        _predict_as_begun
    )
    started = {name: remote.remote(whole.trial(name)) for name in trials}
    failures: dict[str, str] = {}
    for name, task in started.items():
        left = None if where.end is None else max(0.0, where.end - time.time())
        try:
            ray.get(task, timeout=None if name == trials[0] else left)
        except ray.exceptions.GetTimeoutError:
            ray.cancel(task)
            failures[name] = _left_out(folder, name)
        except ray.exceptions.RayError as error:
            failures[name] = str(error).strip().splitlines()[-1]
    return failures


def _predict_as_begun(trial: TrialFolder) -> None:
    """Predict with the images as they were when the search began."""
    start = last_start(experiment_of(trial))
    for own in trial.read().record.config.member_configs().values():
        load_data_as_of(own.data, start)
    predict_eval(trial)


def _left_out(folder: ExperimentFolder, name: str) -> str:
    return f"no time was left; python -m trainable.predict trial={folder.trial(name).path}"


def summary(progress: SearchProgress, folder: ExperimentFolder, predicted: int) -> str:
    """Return what came out and what to type next."""
    counts = progress.counts
    runs, name = folder.path.parent, folder.name
    where = runs_option(folder)
    lines = [
        "",
        f"{name}: {counts['completed']} completed, {counts['stopped']} stopped early, "
        f"{counts['failed']} failed; best {_best_line(progress.best)}",
        "",
        "Next:",
        f"  tensorboard --logdir {runs / (LATEST if folder.is_latest else name) / 'tensorboard'}",
        f"  python -m analysis.leaderboard{where}",
        f"  python -m analysis.report{where}",
        f"  python -m analysis.ensemble --top {max(1, min(3, predicted))}{where}",
    ]
    return "\n".join(lines)


def runs_option(folder: ExperimentFolder) -> str:
    """Return the option that says where the experiment is, empty where it need not be said."""
    runs = folder.path.parent
    where = "" if _is_default(runs) else f" --runs {runs}"
    return where if folder.is_latest else f"{where} --experiment {folder.name}"


def how_to_resume(progress: SearchProgress, folder: ExperimentFolder, command: str) -> str:
    """Return what was kept of an interrupted search and how to go on."""
    runs = folder.path.parent
    where = "" if _is_default(runs) else f" search.runs={runs}"
    epochs = sum(trial.epoch for trial in progress.trials.values())
    return (
        f"{folder.name} was interrupted; {epochs} epochs of {len(progress.trials)} trials are "
        f"kept. Go on with:\n  python -m {command} resume={folder.name}{where}"
    )


def _best_line(best: TrialProgress | None) -> str:
    if best is None or best.best is None:
        return "none: no trial finished an epoch"
    found = best.best
    return f"{best.trial} with {found.score_name} {found.score:.4f} at epoch {found.epoch}"


def _is_default(runs: Location) -> bool:
    return runs.resolve() == Path("runs").resolve()
