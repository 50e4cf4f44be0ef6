"""When is a trial given up, and which paused one goes on? The rules of `scheduler=`.

A step is what a trial trains between two reports; scores are the best so far.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from orchestrator.config import SchedulerSection
from orchestrator.rungs import Rungs
from orchestrator.running_means import RunningMeans
from trainable.config import TrialConfig

Verdict = Literal["continue", "pause", "stop"]
SCORE, STEP = "score", "step"


class Rule(Protocol):
    """Decides after each step of a trial; the same calls in the same order decide the same."""

    levels: tuple[int, ...]
    """Steps after which trials are compared; empty where every step counts, or none."""

    def judge(self, trial: str, step: int, score: float) -> Verdict:
        """Say what becomes of a trial after a step."""
        ...

    def promotable(self) -> str | None:
        """Return the paused trial that goes on before anything new starts."""
        ...

    def best_paused(self) -> str | None:
        """Return the paused trial that goes on where nothing new is left to start."""
        ...

    def promote(self, trial: str) -> None:
        """Let a paused trial go on."""
        ...

    def forget(self, trial: str) -> None:
        """Let a trial that is over wait for nothing; its scores stay."""
        ...

    def enter(self, trial: str, step: int, score: float) -> None:
        """Count a score of a trial that takes nobody's place, as it was trained before."""
        ...


class Fifo:
    """Every trial trains to its end."""

    levels: tuple[int, ...] = ()

    def judge(self, trial: str, step: int, score: float) -> Verdict:
        """Let it go on."""
        return "continue"

    def promotable(self) -> str | None:
        """Nobody is paused."""
        return None

    def best_paused(self) -> str | None:
        """Nobody is paused."""
        return None

    def promote(self, trial: str) -> None:
        """Nobody is paused."""

    def forget(self, trial: str) -> None:
        """Nothing is kept."""

    def enter(self, trial: str, step: int, score: float) -> None:
        """Nothing is kept."""


class Halving(Fifo):
    """Asynchronous successive halving, stopping or promoting (Li et al. 2020)."""

    def __init__(self, levels: Sequence[int], reduction: float, *, promote: bool) -> None:
        self.levels = tuple(levels)
        self._promotes = promote
        self._rungs = Rungs(levels, reduction)

    def judge(self, trial: str, step: int, score: float) -> Verdict:
        """Compare at a level; a paused trial that would be the next to go on goes on at once."""
        if step not in self.levels:
            return "continue"
        self._rungs.leave(trial)
        self._rungs.add(trial, step, score)
        goes_on = self.promotable() == trial if self._promotes else self._rungs.is_good(trial)
        if goes_on or not self._promotes:
            self._rungs.leave(trial)
        return "continue" if goes_on else "pause" if self._promotes else "stop"

    def promotable(self) -> str | None:
        """Return the best of the highest rung that is worth going on."""
        return self._rungs.promotable()

    def best_paused(self) -> str | None:
        """Return the best of the highest rung."""
        return self._rungs.best_waiting()

    def promote(self, trial: str) -> None:
        """Let a paused trial go on."""
        self._rungs.leave(trial)

    def forget(self, trial: str) -> None:
        """Keep its scores, and no place to go on from."""
        self._rungs.leave(trial, goes_on=False)

    def enter(self, trial: str, step: int, score: float) -> None:
        """Keep its score, and no place to go on from."""
        if step in self.levels:
            self._rungs.add(trial, step, score)
            self._rungs.leave(trial, goes_on=False)


class Median(Fifo):
    """Stops who never was as good as the median of all averages (Golovin et al. 2017, Vizier).

    It decides as Ray's ``MedianStoppingRule``, which reads all scores of all trials at each step:
    with 1,000 trials the forecasts, which ask it thousands of times, took 11 s each.
    """

    def __init__(self, grace: int) -> None:
        self._grace = grace
        self._means = RunningMeans()
        self._stopped: set[str] = set()

    def judge(self, trial: str, step: int, score: float) -> Verdict:
        """Compare from the grace on, where enough others have come as far."""
        if trial in self._stopped:
            return "stop"
        if step < self._grace:
            return "continue"
        median = self._means.median(step)
        self._means.add(trial, step, score)
        if median is None or score >= median:
            return "continue"
        self._stopped.add(trial)
        return "stop"

    def enter(self, trial: str, step: int, score: float) -> None:
        """Count its scores, whatever they are."""
        self.judge(trial, step, score)


@dataclass(frozen=True)
class _StandIn:
    """What Ray's rules ask of a trial: to be told from others."""

    trial_id: str


class _NoController:
    """What Ray's rules ask of a controller: whom a trial might make room for; nobody."""

    def get_live_trials(self) -> Sequence[Any]:
        return ()


class RaysRule(Fifo):
    """A rule of Ray's that stops; it sees our trials, not Ray's, so that it can be replayed."""

    def __init__(self, scheduler: TrialScheduler) -> None:
        self._scheduler = scheduler
        self._trials: dict[str, Any] = {}
        self._stopped: set[str] = set()

    def judge(self, trial: str, step: int, score: float) -> Verdict:
        """Ask Ray's rule, which knows no trial that goes on after it was stopped."""
        if trial in self._stopped:
            return "stop"
        controller: Any = _NoController()
        if trial not in self._trials:
            self._trials[trial] = _StandIn(trial)
            self._scheduler.on_trial_add(controller, self._trials[trial])
        result = {STEP: step, SCORE: score}
        decision = self._scheduler.on_trial_result(controller, self._trials[trial], result)
        if decision == TrialScheduler.CONTINUE:
            return "continue"
        self._stopped.add(trial)
        return "stop"

    def enter(self, trial: str, step: int, score: float) -> None:
        """Show it to Ray's rule, whatever that says."""
        self.judge(trial, step, score)


def rung_levels(grace: int, reduction: float, steps: int) -> tuple[int, ...]:
    """Return the steps after which trials are compared: the grace, then that many times more."""
    levels: list[int] = []
    level = float(grace)
    while round(level) < steps:
        levels.append(round(level))
        level *= reduction
    return tuple(dict.fromkeys(levels))


def make_rule(config: SchedulerSection, base: TrialConfig) -> Rule:
    """Return the rule of that name for trials that start from ``base``."""
    return RULES[config.name](config, _levels(config, base), base.steps)


def _levels(config: SchedulerSection, base: TrialConfig) -> tuple[int, ...]:
    """Return after which steps trials are compared; where folds are added, after whole folds."""
    if base.cv.fidelity == "epochs":
        return rung_levels(config.grace_epochs, config.reduction, base.steps)
    folds = rung_levels(1, config.reduction, base.cv.folds)
    return tuple(base.train.epochs * count for count in folds)


def _halving(config: SchedulerSection, levels: tuple[int, ...], steps: int) -> Rule:
    return Halving(levels, config.reduction, promote=config.promote)


def _asha(config: SchedulerSection, levels: tuple[int, ...], steps: int) -> Rule:
    return RaysRule(
        AsyncHyperBandScheduler(
            time_attr=STEP,
            metric=SCORE,
            mode="max",
            max_t=steps,
            grace_period=levels[0] if levels else steps,
            reduction_factor=config.reduction,
        )
    )


def _median(config: SchedulerSection, levels: tuple[int, ...], steps: int) -> Rule:
    return Median(levels[0] if levels else steps)


def _fifo(config: SchedulerSection, levels: tuple[int, ...], steps: int) -> Rule:
    return Fifo()


RULES: Mapping[str, Callable[[SchedulerSection, tuple[int, ...], int], Rule]] = {
    "halving": _halving,
    "asha": _asha,
    "fifo": _fifo,
    "median": _median,
}
