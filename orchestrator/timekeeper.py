"""How long does what is left take, and is there time for it? A search knows its own pace."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestrator.decisions import Search
from orchestrator.forecast import Length, Standing, Standings, seconds_to_ready
from orchestrator.kind import Kind, kind_of
from orchestrator.pace import Pace, predicts_after
from orchestrator.states import TrialState
from orchestrator.timetable import EvalWork, Timetable, eval_seconds
from trainable.config import TrialConfig
from trainable.recipes.recipe import Settings
from trainable.records import EpochRecord


@dataclass(frozen=True)
class Work:
    """What there is to do beside the trials' own steps.

    ``validated`` images are predicted after each step, ``after`` the trials the eval images by the
    best, by the driver itself or, where ``predicts_there``, in new processes; ``closing_seconds``
    is what ending Ray takes, ``final`` a last training of the best.
    """

    validated: int
    after: EvalWork
    closing_seconds: float
    final: TrialConfig | None = None
    predicts_there: bool = False


class Timekeeper:
    """Learns from every epoch, says what fits before the deadline and when all will be ready."""

    def __init__(
        self,
        base: TrialConfig,
        work: Work,
        end: float | None,
        pace: Pace,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.timetable = Timetable(end, pace, clock)
        self._base = base
        self._work = work
        self._pace = pace
        self._clock = clock
        self._known: dict[frozenset[tuple[str, object]], tuple[TrialConfig, Kind]] = {}
        self._began: dict[str, float] = {}
        self._reported: dict[str, float] = {}
        self._reserve()

    @property
    def is_limited(self) -> bool:
        """Whether there is a deadline."""
        return self.timetable.end is not None

    def may_start(self, values: Settings, steps: int) -> bool:
        """Say whether a trial can be started, or taken up again, and train so many steps."""
        return self.timetable.may_start(self.kind(values), steps)

    def may_go_on(self, values: Settings) -> bool:
        """Say whether a running trial can train another step."""
        return self.timetable.may_go_on(self.kind(values))

    def is_over(self) -> bool:
        """Say whether the trials' time is over."""
        return self.timetable.left() <= 0

    def began(self, trial: str) -> None:
        """Take that a trial was given a slot."""
        self._began[trial] = self._clock()

    def epoch_finished(self, trial: str, values: Settings, epoch: EpochRecord) -> None:
        """Learn from an epoch; the first of a leg also tells what starting it took.

        One that was stored before, and is only reported now, says nothing of that.
        """
        (config, kind), now = self._trial(values), self._clock()
        is_predicted = predicts_after(config, epoch.epoch)
        self._pace.learn_epoch(kind, epoch, self._work.validated if is_predicted else 0)
        start = now - self._began.pop(trial, now) - epoch.epoch_seconds
        if start > 0:
            self._pace.learn_start(kind, start)
        self._reported[trial] = now
        self._reserve()

    def kind(self, values: Settings) -> Kind:
        """Return what the trial's steps cost alike by."""
        return self._trial(values)[1]

    def _trial(self, values: Settings) -> tuple[TrialConfig, Kind]:
        """Return the trial's settings and kind, which take milliseconds to make and check."""
        key = frozenset(values.items())
        if key not in self._known:
            config = self._base.with_values(values)
            self._known[key] = config, kind_of(config)
        return self._known[key]

    def seconds_left(self, search: Search, slots: int) -> float | None:
        """Return in how many seconds everything is ready, None while there is no telling."""
        if self._pace.step_seconds(self.kind({})) is None or not search.scores:
            return None
        return seconds_to_ready(self._standings(search, slots), search.rule, self.timetable)

    def _standings(self, search: Search, slots: int) -> Standings:
        trials = [self._standing(name, state) for name, state in search.trials.items()]
        lengths = [Length(trial.steps, trial.step_seconds) for trial in trials]
        return Standings(
            trials=[trial for trial in trials if trial.status != "ended"],
            new=search.unproposed,
            typical=lengths,
            slots=slots,
            start_seconds=self._pace.start_seconds(self.kind({})) or 0.0,
            scores=search.scores,
            fills=self.is_limited,
        )

    def _standing(self, trial: str, state: TrialState) -> Standing:
        step_seconds = self._pace.step_seconds(self.kind(state.values)) or 0.0
        since = self._clock() - self._reported.get(trial, self._began.get(trial, self._clock()))
        return Standing(
            trial=trial,
            status="paused" if state.is_filling else state.status,
            step=state.step,
            steps=state.steps,
            step_seconds=step_seconds,
            score=state.score,
            until_step=max(0.0, step_seconds - since),
        )

    def _reserve(self) -> None:
        """Keep time free for what comes after the trials, as far as it is known by now."""
        pace, setup = self._pace, self._pace.quickest_start()
        process = pace.slowest_start() - setup if self._work.predicts_there else 0.0
        per_image = pace.seconds_per_image() or 0.0
        trials = min(self._work.after.trials, max(1, len(self._reported)))
        work = replace(self._work.after, trials=trials)
        after = process + eval_seconds(work, per_image, setup) + self._work.closing_seconds
        self.timetable.reserve(after, self._final_seconds(process + setup, per_image))

    def _final_seconds(self, setup: float, per_image: float) -> float:
        """Return what the last training takes: in a new process, and then its prediction."""
        final = self._work.final
        if final is None:
            return 0.0
        step_seconds = self._pace.step_seconds(kind_of(final)) or 0.0
        training = self._pace.slowest_start() + final.train.epochs * step_seconds
        after = self._work.after
        predicted = EvalWork(after.images, final.cv.folds, trials=1, embedded=after.embedded)
        return training + eval_seconds(predicted, per_image, setup)
