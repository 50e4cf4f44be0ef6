"""Why was a leg of a trial broken off: by the trial's own failure, or the machine's?"""

import pickle
from dataclasses import dataclass
from pathlib import Path

from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError
from ray.tune.experiment import Trial

from orchestrator.journal import Cause
from trainable.store import BusyTrialError

NODE_DIED = "because its node has died"
"""What Ray writes of an actor whose machine is gone."""


@dataclass(frozen=True)
class Breakage:
    """Why a leg was broken off; ``reason`` is empty where the trial knows it."""

    cause: Cause
    reason: str = ""


def breakage_of(error: BaseException | None) -> Breakage:
    """Return what an error of Ray's means: what the machine did is not counted as a failure."""
    if isinstance(error, RayTaskError) and isinstance(error.cause, BusyTrialError):
        return Breakage("machine", str(error.cause))
    if isinstance(error, ActorUnavailableError):
        return Breakage("machine", "its machine could not be reached")
    if isinstance(error, RayActorError) and error.preempted:
        return Breakage("machine", "its machine was taken away")
    if isinstance(error, RayActorError) and NODE_DIED in str(error):
        return Breakage("machine", "its machine was lost")
    return Breakage("trial")


def error_of(trial: Trial) -> BaseException | None:
    """Return the error that a leg ended with, None where Tune knows of none."""
    file = trial.pickled_error_file
    # Tune's own reader looks where the file is copied to later. Nobody else can have written it.
    return pickle.loads(Path(file).read_bytes()) if file else None  # noqa: S301
