"""Why was a leg of a trial broken off: by the trial's own failure, or the machine's?"""

import pickle
from dataclasses import dataclass
from pathlib import Path

from ray.exceptions import RayTaskError
from ray.tune.experiment import Trial

from orchestrator.journal import Cause
from trainable.ray_peers import LostMachineError, why_lost
from trainable.trial_folder import BusyTrialError


@dataclass(frozen=True)
class Breakage:
    """Why a leg was broken off; ``reason`` is empty where the trial knows it."""

    cause: Cause
    reason: str = ""


def breakage_of(error: BaseException | None) -> Breakage:
    """Return what an error of Ray's means: what the machine did is not counted as a failure."""
    own = error.cause if isinstance(error, RayTaskError) else None
    if isinstance(own, BusyTrialError | LostMachineError):
        return Breakage("machine", str(own))
    lost = why_lost(error)
    return Breakage("machine", lost) if lost else Breakage("trial")


def error_of(trial: Trial) -> BaseException | None:
    """Return the error that a leg ended with, None where Tune knows of none."""
    file = trial.pickled_error_file
    # Tune's own reader looks where the file is copied to later. Nobody else can have written it.
    return pickle.loads(Path(file).read_bytes()) if file else None  # noqa: S301
