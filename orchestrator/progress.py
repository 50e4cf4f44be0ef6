"""How far is a search, and how well is it doing?

Values that never change: an event makes a new one, so that a table can be drawn in another thread.
Times are seconds of one clock, given by the caller.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from trainable.records import EpochRecord, Status, rank
from trainable.settings import Value

TrialState = Literal["running", "paused", "stopped", "completed", "failed", "waiting"]
STATES: tuple[TrialState, ...] = get_args(TrialState)


@dataclass(frozen=True)
class SearchGoal:
    """What was asked for; no number of trials: as many as there is time for."""

    experiment: str
    trials: int | None
    epochs: int
    started: float
    deadline: float | None = None


@dataclass(frozen=True)
class TrialProgress:
    """How far one trial is; ``epochs`` is how many it trains if nothing stops it."""

    trial: str
    values: Mapping[str, Value]
    epochs: int
    status: TrialState = "running"
    last: EpochRecord | None = None
    best: EpochRecord | None = None
    reason: str = ""

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self.last.epoch if self.last else 0

    def after(self, epoch: EpochRecord) -> "TrialProgress":
        """Return the trial with one more epoch; of equals the earliest is the best."""
        better = self.best is None or rank(epoch) > rank(self.best)
        return replace(self, last=epoch, best=epoch if better else self.best)


@dataclass(frozen=True)
class SearchProgress:
    """How far all trials are; every method that tells of an event returns the state after it."""

    goal: SearchGoal
    trials: Mapping[str, TrialProgress] = field(default_factory=dict[str, TrialProgress])
    epochs_since_start: int = 0
    ready_at: float | None = None
    """When everything will be ready, as far as can be told."""

    def trial_started(
        self, trial: str, values: Mapping[str, Value], epochs: Sequence[EpochRecord] = ()
    ) -> "SearchProgress":
        """Add a trial, or let a paused one go on; ``epochs`` are those of an earlier driver."""
        if trial in self.trials:
            return self._with(replace(self.trials[trial], status="running", reason=""))
        searched_epochs = values.get("train.epochs")
        planned = searched_epochs if isinstance(searched_epochs, int) else self.goal.epochs
        started = TrialProgress(trial, values, planned)
        for epoch in epochs:
            started = started.after(epoch)
        return self._with(started)

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> "SearchProgress":
        """Add a finished epoch to its trial."""
        counted = replace(self, epochs_since_start=self.epochs_since_start + 1)
        return counted._with(self.trials[trial].after(epoch))

    def trial_paused(self, trial: str) -> "SearchProgress":
        """Mark the trial as waiting to be promoted."""
        return self._with(replace(self.trials[trial], status="paused"))

    def trial_ended(self, trial: str, status: Status, reason: str = "") -> "SearchProgress":
        """Mark the trial as over."""
        return self._with(replace(self.trials[trial], status=status, reason=reason))

    @property
    def best(self) -> TrialProgress | None:
        """The best trial that has not failed, the first to start of equals."""
        trials = self.trials.values()
        scored = [trial for trial in trials if trial.best and trial.status != "failed"]
        return max(scored, key=best_score, default=None)

    @property
    def ended_well(self) -> list[TrialProgress]:
        """The trials that ended without failing, best first."""
        ended = [t for t in self.trials.values() if t.status in ("stopped", "completed")]
        return sorted(ended, key=best_score, reverse=True)

    @property
    def counts(self) -> dict[TrialState, int]:
        """How many trials are in each state; those asked for but not started are waiting."""
        found = Counter(trial.status for trial in self.trials.values())
        found["waiting"] = max(0, (self.goal.trials or 0) - len(self.trials))
        return {state: found[state] for state in STATES}

    def elapsed(self, now: float) -> float:
        """Return the seconds since the driver started."""
        return now - self.goal.started

    def epochs_per_minute(self, now: float) -> float:
        """Return the mean rate since the driver started, over all trials."""
        return 60 * self.epochs_since_start / self.elapsed(now) if self.elapsed(now) else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds until everything is ready; None while there is no telling."""
        return None if self.ready_at is None else max(0.0, self.ready_at - now)

    def _with(self, trial: TrialProgress) -> "SearchProgress":
        return replace(self, trials={**self.trials, trial.trial: trial})


def best_score(trial: TrialProgress) -> tuple[int, float]:
    """Return over how many folds its best epoch was scored, and the score; (0, -1) before one.

    More folds come first: a score of few persons is no match for one of more.
    """
    return rank(trial.best) if trial.best else (0, -1.0)
