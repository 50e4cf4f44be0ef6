"""On which scores can trials of different lengths be compared? Those after the same epoch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ValidationError

from analysis.report.evidence import Evidence
from analysis.results import Trial
from trainable.growing import read_grown
from trainable.records import best_epoch
from trainable.store import ExperimentFolder

MOST = 0.5
"""Trials are compared at the highest level that this share of them reached."""
RUNG_RULES = ("halving", "asha")
"""Schedulers that compare trials at the same few epochs."""


@dataclass(frozen=True)
class Level:
    """Trials at the same epoch: the best score of each up to there, by name."""

    epoch: int
    scores: Mapping[str, float]
    others: int
    """Trials that did not come so far."""


class Held(BaseModel):
    """What is read of a line of the journal that says that a trial was held back."""

    verdict: Literal["pause", "stop"]
    step: int


def common_level(trials: Sequence[Trial]) -> Level:
    """Return the highest epoch that half of the trials reached, and their scores there.

    A trial that was stopped early lost nothing by it there: it is compared with what the others
    were worth when they were as old. Folds in turn count as epochs, so scores pool the same folds.
    """
    lengths = sorted(length(trial) for trial in trials)
    epoch = lengths[int(len(lengths) * MOST)] if lengths else 0
    reached = [trial for trial in trials if length(trial) >= epoch]
    scores = {trial.name: score_at(trial, epoch) for trial in reached}
    return Level(epoch, scores, len(trials) - len(reached))


def length(trial: Trial) -> int:
    """Return how many epochs a trial has trained."""
    return trial.results.epochs[-1].epoch if trial.results.epochs else 0


def score_at(trial: Trial, epoch: int) -> float:
    """Return the best score of a trial's first epochs; it has trained that many."""
    found = best_epoch([one for one in trial.results.epochs if one.epoch <= epoch])
    assert found
    return found.score


def rungs(evidence: Evidence) -> list[int]:
    """Return the epochs at which trials were held back, as the search wrote it down.

    Where only one was, it was no rung: it was overtaken on its way to the end.
    """
    scheduler = evidence.record.settings.get("scheduler")
    if not isinstance(scheduler, Mapping) or scheduler.get("name") not in RUNG_RULES:
        return []
    end = max((trial.results.record.config.steps for trial in evidence.scored), default=0)
    held = Counter(_held_back(evidence.experiment.folder))
    return sorted(step for step, count in held.items() if count > 1 and step < end)


def _held_back(folder: ExperimentFolder) -> Iterator[int]:
    """Yield the step of each trial that paused or was stopped; damaged lines are passed over."""
    for line in read_grown(folder.journal).splitlines():
        try:
            event = Held.model_validate_json(line)
        except ValidationError:  # another event, or damaged
            continue
        yield event.step
