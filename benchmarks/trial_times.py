"""Where do a trial's seconds go, and how long does a further trial in a used process wait?"""

from collections.abc import Sequence
from dataclasses import dataclass

from trainable.trial_folder import TrialFolder


@dataclass(frozen=True)
class TrialTimes:
    """When a trial was asked for, set up, trained and ended (seconds since 1970).

    ``seconds`` are those of its recorded parts: setup, data, step, validation, store.
    """

    ready: float
    trained: float
    ended: float
    seconds: dict[str, float]

    @property
    def started(self) -> float:
        """When its set-up began."""
        return self.ready - self.seconds["setup"]

    def by_kind(self) -> dict[str, float]:
        """Return the recorded seconds, and as waiting what is left of the trial's wall time."""
        wall = self.ended - self.started
        return {**self.seconds, "waiting": wall - sum(self.seconds.values())}


def trial_times(trial: TrialFolder) -> TrialTimes:
    """Read a trial that has ended."""
    results = trial.read()
    seconds = {"setup": results.record.setup_seconds}
    for epoch in results.epochs:
        for kind, value in epoch.seconds.items():
            seconds[kind] = seconds.get(kind, 0.0) + value
    # The records keep whole seconds; the files are written once each moment has come.
    ready, trained, ended = (
        (trial.path / name).stat().st_mtime
        for name in ("trial.json", "epochs.json", "outcome.json")
    )
    return TrialTimes(ready, trained, ended, seconds)


def further_starts(times: Sequence[TrialTimes]) -> list[float]:
    """Return the seconds from a trial's last epoch to the first batch of the next in its process.

    Which process trained a trial is not recorded: a trial follows the one that ended last before
    it started. The first trial of each process follows none.
    """
    seconds: list[float] = []
    last_trained: list[float] = []
    for trial in sorted(times, key=lambda trial: trial.started):
        free = [moment for moment in last_trained if moment <= trial.started]
        if free:
            last_trained.remove(max(free))
            seconds.append(trial.ready - max(free))
        last_trained.append(trial.trained)
    return seconds
