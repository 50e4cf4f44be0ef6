"""What is left to do when the trials are over? Eval predictions and a summary."""

import sys
from collections.abc import Sequence
from pathlib import Path

import ray
import ray.exceptions

from orchestrator.cluster import Slots
from orchestrator.progress import SearchProgress, TrialProgress
from trainable.predict import predict_eval
from trainable.store import ExperimentFolder

PREDICTED = 5
"""Best trials whose eval probabilities are made, so that an ensemble of them can be submitted."""


def best_trials(progress: SearchProgress, folder: ExperimentFolder, count: int) -> list[str]:
    """Return the best trials that ended well and still have weights, best first."""
    names = [trial.trial for trial in progress.ended_well]
    return [name for name in names if folder.trial(name).has_weights()][:count]


def predict_all(
    folder: ExperimentFolder, trials: Sequence[str], slots: Slots, *, is_joined: bool
) -> list[str]:
    """Predict the eval images with each trial; return those for which it went well.

    On this machine, unless it has several GPUs, the driver itself predicts: a new process would
    first import torch, which takes longer. On a cluster the slots of the search do it.
    """
    is_here = not is_joined and slots.gpus * slots.count <= 1
    failures = _predict_here(folder, trials) if is_here else _predict_there(folder, trials, slots)
    for name, reason in failures.items():
        print(f"{name}: the eval images could not be predicted: {reason}", file=sys.stderr)
    return [name for name in trials if name not in failures]


def _predict_here(folder: ExperimentFolder, trials: Sequence[str]) -> dict[str, str]:
    failures: dict[str, str] = {}
    for name in trials:
        try:
            predict_eval(folder.trial(name))
        except (RuntimeError, ValueError, OSError) as error:
            failures[name] = str(error)
    return failures


def _predict_there(folder: ExperimentFolder, trials: Sequence[str], slots: Slots) -> dict[str, str]:
    whole = ExperimentFolder(folder.path.resolve())
    remote = ray.remote(num_cpus=slots.cpus, num_gpus=slots.gpus)(predict_eval)
    started = {name: remote.remote(whole.trial(name)) for name in trials}
    failures: dict[str, str] = {}
    for name, task in started.items():
        try:
            ray.get(task)
        except ray.exceptions.RayError as error:
            failures[name] = str(error).strip().splitlines()[-1]
    return failures


def summary(progress: SearchProgress, folder: ExperimentFolder, predicted: int) -> str:
    """Return what came out and what to type next."""
    counts = progress.counts
    runs, name = folder.path.parent, folder.name
    where = "" if _is_default(runs) else f" --runs {runs}"
    lines = [
        "",
        f"{name}: {counts['completed']} completed, {counts['stopped']} stopped early, "
        f"{counts['failed']} failed; best {_best_line(progress.best)}",
        "",
        "Next:",
        f"  tensorboard --logdir {runs / 'latest' / 'tensorboard'}",
        f"  python -m analysis.leaderboard{where}",
        f"  python -m analysis.ensemble --top {max(1, min(3, predicted))}{where}",
    ]
    return "\n".join(lines)


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


def _is_default(runs: Path) -> bool:
    return runs.resolve() == Path("runs").resolve()
