"""When will a search be over? Its rest is played through a few times, as chance may have it."""

import bisect
import copy
import heapq
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Literal, NamedTuple

from orchestrator.rules import Rule
from orchestrator.timetable import Timetable

LEGS_PLAYED = 2_000
"""Legs of trials in all futures together: many futures of a small search, few of a large one."""
MOST_FUTURES = 50
RANK_LOSS = 0.15
"""Exponent of the rank correlation of scores at two steps, (earlier / later) ** RANK_LOSS: 0.85 at
three times the steps, as from epoch 2 to 6 on 24 tasks of LCBench (0.92 from 3 to 9)."""
NORMAL = NormalDist()


@dataclass(frozen=True)
class Standing:
    """How a trial stands: trained ``step`` of ``steps``, its best score so far.

    ``until_step`` is in how many seconds a running trial's present step ends. ``waiting`` is a
    trial that has not begun, or was broken off, and goes on before any other. One that trains on
    only because its slot would be idle counts as paused.
    """

    trial: str
    status: Literal["waiting", "running", "paused", "ended"]
    step: int
    steps: int
    step_seconds: float
    score: float | None = None
    until_step: float = 0.0


class Length(NamedTuple):
    """How long a trial is that nothing stops."""

    steps: int
    step_seconds: float


@dataclass(frozen=True)
class Standings:
    """How a search stands.

    ``new``, trials that have no configuration yet, and are as long as one of ``typical``;
    ``scores``, step -> best scores so far of all trials that trained so many; ``fills``, whether
    slots that nothing new is left for train stopped and paused trials on, as with a deadline.
    """

    trials: Sequence[Standing]
    new: int
    typical: Sequence[Length]
    slots: int
    start_seconds: float
    scores: Mapping[int, Sequence[float]]
    fills: bool = False


def seconds_to_ready(standings: Standings, rule: Rule, timetable: Timetable) -> float:
    """Return in how many seconds all will be ready: the trials, and what time is reserved for."""
    return min(seconds_to_last_trial(standings, rule), timetable.left()) + timetable.reserved


def seconds_to_last_trial(standings: Standings, rule: Rule, seed: int = 0) -> float:
    """Return in how many seconds the last trial ends: the mean over some futures.

    The same ``seed`` gives the same futures.
    """
    left = standings.new + sum(trial.status != "ended" for trial in standings.trials)
    each = 1 if rule.levels else max((length.steps for length in standings.typical), default=1)
    count = max(1, min(MOST_FUTURES, LEGS_PLAYED // max(left * each, 1)))
    futures = (Future(standings, copy.deepcopy(rule), seed + i) for i in range(count))
    return fmean(future.seconds() for future in futures)


@dataclass
class Played:
    """A trial in a future; ``quality`` is normally distributed over trials, at ``judged_at``."""

    step: int
    length: Length
    quality: float
    judged_at: int


class Scale:
    """What share of all trials is below a score, as far as the ``scores`` of some tell.

    They are taken for a sample: where it stands in all trials is drawn, so that a further score
    has the same chance of each place among them.
    """

    def __init__(self, scores: Sequence[float], chance: random.Random) -> None:
        self._scores = sorted(scores)
        self._shares = sorted(chance.random() for _ in scores)

    def share(self, score: float) -> float:
        """Return the share of all trials below one of the scores, or one between them."""
        place = bisect.bisect_left(self._scores, score)
        return self._shares[min(place, len(self._shares) - 1)]

    def score(self, share: float) -> float:
        """Return the score below which a share of all trials is."""
        scores, place = self._scores, bisect.bisect_left(self._shares, share)
        if place == 0:
            return scores[0] - (self._shares[0] - share)
        if place == len(scores):
            return scores[-1] + (share - self._shares[-1])
        below, above = self._shares[place - 1], self._shares[place]
        part = (share - below) / (above - below)
        return scores[place - 1] + part * (scores[place] - scores[place - 1])


class Future:
    """One way in which a search may go on."""

    def __init__(self, standings: Standings, rule: Rule, seed: int) -> None:
        self._standings = standings
        self._scored_steps = sorted(step for step, scores in standings.scores.items() if scores)
        self._scales: dict[int, Scale] = {}
        self._rule = rule
        self._random = random.Random(seed)
        self._new = standings.new
        self._waiting = [t.trial for t in reversed(standings.trials) if t.status == "waiting"]
        self._trials = {t.trial: self._known(t) for t in standings.trials if t.status != "ended"}
        self._events: list[tuple[float, int, str]] = []
        self._now = 0.0

    def seconds(self) -> float:
        """Play it, and return when its last trial ends."""
        for trial in self._standings.trials:
            if trial.status == "running":
                self._train(trial.trial, trial.until_step - trial.step_seconds)
        self._fill_slots()
        while self._events:
            self._now, step, trial = heapq.heappop(self._events)
            if self._goes_on(trial, step):
                self._train(trial, 0.0)
            else:
                self._fill_slots()
        return self._now

    def _train(self, trial: str, after: float) -> None:
        """Train the trial, ``after`` some seconds, up to the next step at which it is judged."""
        played, levels = self._trials[trial], self._rule.levels
        steps = played.length.steps
        if levels:
            place = bisect.bisect_right(levels, played.step)
            judged = min(levels[place], steps) if place < len(levels) else steps
        else:
            judged = played.step + 1
        seconds = after + (judged - played.step) * played.length.step_seconds
        heapq.heappush(self._events, (self._now + seconds, judged, trial))

    def _goes_on(self, trial: str, step: int) -> bool:
        played = self._trials[trial]
        played.step = step
        verdict = self._rule.judge(trial, step, self._score(played))
        if step >= played.length.steps or verdict == "pause":
            return False
        return verdict == "continue" or (self._standings.fills and not self._new)

    def _fill_slots(self) -> None:
        while len(self._events) < self._standings.slots:
            trial = self._next()
            if trial is None:
                return
            self._rule.promote(trial)
            self._train(trial, self._standings.start_seconds)

    def _next(self) -> str | None:
        if self._waiting:
            return self._waiting.pop()
        if trial := self._rule.promotable():
            return trial
        if self._new:
            self._new -= 1
            return self._draw()
        return self._rule.best_paused() if self._standings.fills else None

    def _draw(self) -> str:
        trial = f"new {self._new}"
        length = self._random.choice(self._standings.typical)
        self._trials[trial] = Played(0, length, self._random.gauss(0, 1), 0)
        return trial

    def _known(self, trial: Standing) -> Played:
        """Return the trial, whose quality follows from its place among the scores."""
        length, scale = Length(trial.steps, trial.step_seconds), self._scale(trial.step)
        if scale is None or trial.score is None:
            return Played(trial.step, length, self._random.gauss(0, 1), 0)
        return Played(trial.step, length, NORMAL.inv_cdf(scale.share(trial.score)), trial.step)

    def _scale(self, step: int) -> Scale | None:
        """Return the scale of the last step up to this one for which there are scores."""
        place = bisect.bisect_right(self._scored_steps, step)
        if not place:
            return None
        scored = self._scored_steps[place - 1]
        if scored not in self._scales:
            self._scales[scored] = Scale(self._standings.scores[scored], self._random)
        return self._scales[scored]

    def _score(self, played: Played) -> float:
        """Draw the trial's score at its present step, as good among the known ones as it is."""
        if played.judged_at:
            kept = (played.judged_at / played.step) ** RANK_LOSS
            drawn = self._random.gauss(0, 1)
            played.quality = kept * played.quality + math.sqrt(1 - kept**2) * drawn
        played.judged_at = played.step
        share, scale = NORMAL.cdf(played.quality), self._scale(played.step)
        return scale.score(share) if scale else share
