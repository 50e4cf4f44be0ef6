"""What is told when the trials are over: the best, and what to type next."""

from pathlib import Path

from orchestrator.progress import SearchProgress, TrialProgress
from trainable.locations import Location
from trainable.store import LATEST, ExperimentFolder


def best_trials(progress: SearchProgress, folder: ExperimentFolder, count: int) -> list[str]:
    """Return the best trials that ended well and still have weights, best first."""
    names = [trial.trial for trial in progress.ended_well]
    return [name for name in names if folder.trial(name).has_weights()][:count]


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
