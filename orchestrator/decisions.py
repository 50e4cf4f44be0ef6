"""What is next for a free slot, and what follows from a result?

The whole search but for Ray: `Search` is driven by Ray, by a simulated clock and by its own journal
alike. Every event is written down before it is acted upon, so that replaying the journal gives the
same search again.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.asked import Take, Time, Unlimited, Unwatched, Watch
from orchestrator.journal import Began, Broke, Cause, Ended, Event, Proposed, Reported
from orchestrator.proposals import Proposals
from orchestrator.rules import Rule, Verdict
from orchestrator.states import Ask, Leg, TrialState

FAILURES_FORGIVEN = 2
"""Times a trial is started again when its process fails."""
LOSSES_FORGIVEN = 20
"""Times it is when its machine is lost: they come and go, but a trial may also kill them."""
MOST_RELIEF = 2
"""Times it is when it ran out of memory."""
TRIES = 4
"""Configurations that may wait for more time while others are looked for that need less."""
OUT_OF_TIME = "the time was over"
COUNTED: Mapping[Cause, str] = {"trial": "failures", "machine": "losses", "memory": "relief"}
"""What is counted where a trial is broken off."""


class Search:
    """Hands out legs and judges results.

    ``trials`` are its trials by name, in their order, ``scores`` the best so far by step. ``slots``
    changes as machines come and go: what runs on those that are left is not broken off.
    """

    def __init__(
        self,
        ask: Ask,
        proposals: Proposals,
        rule: Rule,
        *,
        write: Callable[[Event], None],
        time: Time | None = None,
        watch: Watch | None = None,
        taken: Take | None = None,
    ) -> None:
        self.trials: dict[str, TrialState] = {}
        self.scores: dict[int, list[float]] = {}
        self.rule = rule
        self.slots = ask.slots
        self._ask = ask
        self._proposals = proposals
        self._write = write
        self._time = time or Unlimited()
        self._watch = watch or Unwatched()
        self._taken = taken
        self._running: set[str] = set()
        self._waiting: dict[str, None] = {}  # a set that keeps its order
        self._has_proposals = True

    @property
    def running(self) -> list[str]:
        """The trials that were given a slot."""
        return sorted(self._running)

    @property
    def is_idle(self) -> bool:
        """Whether no slot is in use."""
        return not self._running

    @property
    def unproposed(self) -> int:
        """How many trials have no configuration yet."""
        return self._ask.trials - len(self.trials) if self._has_proposals else 0

    def next_leg(self) -> Leg | None:
        """Return what a free slot does, None where no slot is free or nothing can be done now."""
        if len(self._running) >= self.slots:
            return None
        trial = self._regular()
        is_filling = trial is None
        trial = trial or self._filling()
        if trial is None:
            return None
        self._happens(Began(trial=trial, step=self.trials[trial].step, is_filling=is_filling))
        state = self.trials[trial]
        self._watch.began(trial, state.values)
        return Leg(trial, state.values, state.step, state.relief)

    def report(self, trial: str, step: int, score: float) -> bool:
        """Take the best score so far after a step; return whether the trial goes on now.

        A step that is known already, as it was reported before a process died, changes nothing.
        """
        state = self.trials[trial]
        if trial not in self._running or step <= state.step:
            return trial in self._running
        if not math.isfinite(score):
            self.fail(trial, f"its score after step {step} is no number: {score}")
            return False
        verdict = self.rule.judge(trial, step, score)
        verdict = "stop" if step >= state.steps else self._timely(state, verdict)
        self._happens(Reported(trial=trial, step=step, score=score, verdict=verdict))
        if verdict == "stop":
            self._end(trial)
        elif verdict == "pause":
            self._watch.paused(trial)
        elif not self._time.may_go_on(state.values):
            self._happens(Ended(trial=trial, status="stopped", reason=OUT_OF_TIME, again=True))
        return trial in self._running

    def fail(self, trial: str, reason: str) -> None:
        """End a trial that cannot go on: the reason is the trial's own."""
        self._happens(Ended(trial=trial, status="failed", reason=reason))

    def broke(self, trial: str, reason: str, cause: Cause = "trial") -> None:
        """Take that a trial was broken off: it is tried again, but not for ever."""
        if trial not in self._running:
            return
        self._happens(Broke(trial=trial, reason=reason, cause=cause))
        state = self.trials[trial]
        if (
            state.failures > FAILURES_FORGIVEN
            or state.losses > LOSSES_FORGIVEN
            or state.relief > MOST_RELIEF
        ):
            self._happens(Ended(trial=trial, status="failed", reason=reason, again=True))

    def close(self) -> None:
        """End what has not ended; a resumed search takes up what only the time cut off.

        Call it when nothing is left to do, or the time is over.
        """
        for trial, state in list(self.trials.items()):
            if state.status == "paused":
                self._happens(Ended(trial=trial, status="stopped", again=self._time.is_limited))
            elif state.status == "running" or (state.status == "waiting" and state.step):
                self._happens(Ended(trial=trial, status="stopped", reason=OUT_OF_TIME, again=True))

    def replay(self, events: Sequence[Event]) -> None:
        """Take up what an earlier driver wrote; its unfinished trials go on first."""
        for event in events:
            if isinstance(event, Reported) and event.verdict != "taken":
                self.rule.judge(event.trial, event.step, event.score)
            self._apply(event)

    def settle(self) -> None:
        """Carry out what was written and perhaps not done, as its driver died in between."""
        for trial, state in list(self.trials.items()):
            if state.status == "running" and state.verdict == "stop":
                self._end(trial)
            elif state.status == "running":
                self._set(trial, replace(state, status="waiting", failures=0, losses=0))
            elif state.ended and state.ended.again:
                status = "paused" if state.verdict == "pause" else "waiting"
                again = replace(state, status=status, failures=0, losses=0, relief=0, ended=None)
                self._set(trial, again)
            elif state.ended:
                self._watch.had_ended(state.ended)

    def _regular(self) -> str | None:
        while trial := self._unfinished() or self._promoted() or self._new():
            if not self._take_over(trial):
                return trial
        return None

    def _take_over(self, trial: str) -> bool:
        """Give a trial that has not begun the result of an equal one, if there is one."""
        state = self.trials[trial]
        taken = self._taken(trial, state.values) if self._taken and not state.has_begun else None
        if taken is None:
            return False
        for step, score in taken.scores:
            if step > state.step:
                self._happens(Reported(trial=trial, step=step, score=score, verdict="taken"))
        reason = f"taken from {taken.source}"
        self._happens(Ended(trial=trial, status="completed", reason=reason))
        return True

    def _unfinished(self) -> str | None:
        """Return a trial that has begun and goes on, or that there was no time for before."""
        return next((trial for trial in self._waiting if self._fits(trial)), None)

    def _fits(self, trial: str) -> bool:
        """Say whether there is time for a trial: a new one has to reach its first rung."""
        is_new = not self.trials[trial].step
        return self._may_start(trial, self._to_next_level(trial) if is_new else 1)

    def _promoted(self) -> str | None:
        trial = self.rule.promotable()
        return trial if trial and self._may_start(trial, self._to_next_level(trial)) else None

    def _new(self) -> str | None:
        """Return a new trial that the time allows; those it does not allow keep waiting.

        While so many wait, it is too late for more.
        """
        while self.unproposed > 0 and len(self._waiting) < TRIES:
            trial = f"trial-{len(self.trials) + 1:03d}"
            proposal = self._proposals.propose(trial)
            if proposal is None:
                self._has_proposals = False
                return None
            values = dict(proposal.values)
            self._happens(Proposed(trial=trial, values=values, source=proposal.source))
            if self._fits(trial):
                return trial
        return None

    def _filling(self) -> str | None:
        """Return the best paused trial, for a slot that nobody else wants.

        With a deadline idle time is lost in any case; without one the search ends with its work.
        """
        trial = self.rule.best_paused()
        filling = sum(self.trials[one].is_filling for one in self._running)
        if trial is None or not self._may_fill(filling):
            return None
        return trial if self._may_start(trial, 1) else None

    def _may_fill(self, others: int = 0) -> bool:
        """Say whether a trial may be trained on beside so many that are not among the best."""
        others_work = any(not self.trials[trial].is_filling for trial in self._running)
        return self._time.is_limited or others_work or self._whole + others < self._ask.whole

    @property
    def _whole(self) -> int:
        """How many trials were trained to their end."""
        return sum(state.step >= state.steps for state in self.trials.values())

    def _may_start(self, trial: str, steps: int) -> bool:
        return self._time.may_start(self.trials[trial].values, steps)

    def _to_next_level(self, trial: str) -> int:
        """Return the steps up to where the trial is next compared; without rungs each counts."""
        state = self.trials[trial]
        if not self.rule.levels:
            return 1
        level = next((level for level in self.rule.levels if level > state.step), state.steps)
        return level - state.step

    def _timely(self, state: TrialState, verdict: Verdict) -> Verdict:
        """Return the verdict in view of who else wants the slot, and until when."""
        if state.is_filling and verdict == "continue":
            return verdict if self._may_fill() else "pause"
        if verdict == "stop" and self._is_too_late_for_others():
            return "continue"
        return verdict

    def _is_too_late_for_others(self) -> bool:
        """Say whether others wait for a slot that the time no longer allows to begin."""
        if not self._time.is_limited or any(self._fits(trial) for trial in self._waiting):
            return False
        is_left = self.unproposed > 0
        first = self.rule.levels[0] if self.rule.levels else 1
        fits = is_left and self._time.may_start({}, first)
        return not fits and (is_left or bool(self._waiting))

    def _end(self, trial: str) -> None:
        state = self.trials[trial]
        is_complete = state.step >= state.steps
        self._happens(Ended(trial=trial, status="completed" if is_complete else "stopped"))

    def _happens(self, event: Event) -> None:
        self._write(event)
        self._apply(event)
        if isinstance(event, Ended):
            self._watch.ended(event)

    def _apply(self, event: Event) -> None:
        match event:
            case Proposed():
                if not self._proposals.knows(event.trial):
                    self._proposals.restore(event.trial, event.values)
                self._set(event.trial, TrialState(event.values, self._ask.steps(event.values)))
            case Began():
                self.rule.promote(event.trial)
                self._change(
                    event.trial,
                    status="running",
                    is_filling=event.is_filling,
                    verdict="continue",
                    has_begun=True,
                )
            case Reported():
                self._take(event)
            case Broke():
                counted = COUNTED[event.cause]
                times = getattr(self.trials[event.trial], counted) + 1
                self._change(event.trial, **{"status": "waiting", counted: times})
            case Ended():
                self._take_end(event)
            case _:
                pass

    def _take(self, event: Reported) -> None:
        self._proposals.tell(event.trial, event.step, event.score)
        self.scores.setdefault(event.step, []).append(event.score)
        if event.verdict == "continue":
            self.rule.promote(event.trial)
        if event.verdict == "taken":
            self.rule.enter(event.trial, event.step, event.score)
        status = {"pause": "paused", "taken": "waiting"}.get(event.verdict, "running")
        self._change(
            event.trial, status=status, step=event.step, score=event.score, verdict=event.verdict
        )

    def _take_end(self, event: Ended) -> None:
        if not event.again:
            self.rule.forget(event.trial)
            score = None if event.status == "failed" else self.trials[event.trial].score
            is_complete = event.status == "completed"
            self._proposals.end(event.trial, is_complete=is_complete, score=score)
        self._change(event.trial, status="ended", ended=event)

    def _change(self, trial: str, **changes: Any) -> None:
        self._set(trial, replace(self.trials[trial], **changes))

    def _set(self, trial: str, state: TrialState) -> None:
        self.trials[trial] = state
        (self._running.add if state.status == "running" else self._running.discard)(trial)
        if state.status == "waiting":
            self._waiting.setdefault(trial)
        else:
            self._waiting.pop(trial, None)
