"""What do Ray's schedulers and searchers see of a trial, and of whoever runs them?

Ray itself is not started. These have what schedulers ask of Ray's own `Trial` and
`TuneController`, and nothing else: another question is an AttributeError, never a wrong answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.result import DONE, TIME_THIS_ITER_S, TIME_TOTAL_S, TRAINING_ITERATION

from trainable.leg_keys import (
    BEST,
    EPOCH,
    FAILURE,
    NODES,
    NOTICE,
    OUT_OF_MEMORY,
    STEP,
    UNFIT,
)
from trainable.metric_names import SCORE
from trainable.records import EpochRecord

PENDING, RUNNING, TERMINATED = Trial.PENDING, Trial.RUNNING, Trial.TERMINATED
TRAINING = "training"
"""The kind of seconds that an epoch's record gives."""


@dataclass(eq=False)
class SimulatedTrial:
    """Stands for Ray's trial."""

    trial_id: str
    config: Mapping[str, Any]
    status: str = PENDING
    last_result: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class SimulatedController:
    """Stands for Ray's controller; it knows the trials that have not ended."""

    live: dict[str, SimulatedTrial] = field(default_factory=dict)

    def get_trials(self) -> list[SimulatedTrial]:
        """Return the trials that wait or run."""
        return list(self.live.values())

    def get_live_trials(self) -> set[SimulatedTrial]:
        """Return the same."""
        return set(self.live.values())


@dataclass(frozen=True)
class Epoch:
    """One finished epoch."""

    number: int
    """Of all epochs of its configuration, from 1 on."""
    score: float
    best: float
    """The best score of this configuration so far."""
    seconds: float


def result_of(epoch: Epoch, iteration: int, seconds_so_far: float) -> dict[str, Any]:
    """Return what a trial reports to Ray; Ray counts a trial's own results and seconds."""
    record = EpochRecord(
        epoch=epoch.number,
        metrics={SCORE: epoch.score},
        train_loss=0.0,
        lr=0.0,
        seconds={TRAINING: epoch.seconds},
    )
    return {
        BEST: epoch.best,
        STEP: epoch.number,
        EPOCH: record.model_dump_json(),
        **dict.fromkeys((FAILURE, OUT_OF_MEMORY, UNFIT, NOTICE), ""),
        NODES: [],
        DONE: False,
        TRAINING_ITERATION: iteration,
        TIME_THIS_ITER_S: epoch.seconds,
        TIME_TOTAL_S: seconds_so_far,
    }
