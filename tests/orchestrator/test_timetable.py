"""What is started ends in time, and little time is left unused."""

import heapq
import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from orchestrator.deadline import End
from orchestrator.kind import Kind, kind_of
from orchestrator.pace import FIRST_ERROR, Pace
from orchestrator.timetable import (
    CAUTION,
    EvalWork,
    OneTrial,
    Timetable,
    eval_seconds,
    refuse_too_short,
)
from trainable.config import TrialConfig
from trainable.settings import UserError

KIND = kind_of(TrialConfig())
NOON = 1_000_000.0


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


def steady_pace(step_seconds, start_seconds=0.0):
    """A pace whose estimates were never wrong."""
    pace = Pace()
    for _ in range(100):
        pace.learn(KIND, step_seconds)
    pace.learn_start(KIND, start_seconds)
    return pace


def test_without_an_end_everything_may_start_and_go_on():
    timetable = Timetable(None, Pace(), Clock())
    timetable.reserve(60)
    assert timetable.training_end is None
    assert timetable.left() == math.inf
    assert timetable.may_start(KIND, 1000)
    assert timetable.may_go_on(KIND)


def test_trials_end_before_what_comes_after_them():
    timetable = Timetable(NOON + 600, Pace(), Clock())
    timetable.reserve(eval_seconds=60)
    assert timetable.training_end == NOON + 540
    timetable.reserve(eval_seconds=40, final_seconds=200)
    assert timetable.reserved == 240
    assert timetable.left() == 360


@pytest.mark.parametrize(("left", "may"), [(44, False), (46, True)])
def test_a_trial_starts_if_it_can_reach_its_next_rung(left, may):
    timetable = Timetable(NOON + 100 + left, steady_pace(20, start_seconds=5), Clock())
    timetable.reserve(100)
    assert timetable.may_start(KIND, 2) is may


@pytest.mark.parametrize(("left", "may"), [(19, False), (21, True)])
def test_a_running_trial_goes_on_if_one_more_step_fits(left, may):
    timetable = Timetable(NOON + left, steady_pace(20, start_seconds=5), Clock())
    assert timetable.may_go_on(KIND) is may


def test_more_is_kept_free_where_steps_took_longer_than_expected():
    pace = Pace()
    pace.learn(KIND, 20)
    clock = Clock()
    timetable = Timetable(NOON + 100, pace, clock)
    clock.now = NOON + 100 - 20 * (1 + CAUTION * FIRST_ERROR) - 0.1
    assert timetable.may_go_on(KIND)
    clock.now += 0.2
    assert not timetable.may_go_on(KIND)
    for _ in range(30):
        pace.learn(KIND, 20)
    assert timetable.may_go_on(KIND)


def test_where_nothing_is_known_trials_start_until_the_end():
    clock = Clock()
    timetable = Timetable(NOON + 10, Pace(), clock)
    assert timetable.may_start(KIND, 8)
    clock.now = NOON + 10
    assert not timetable.may_start(KIND, 8)
    assert not timetable.may_go_on(KIND)
    assert timetable.left() == 0


@pytest.mark.parametrize(("side_by_side", "seconds"), [(1, 5 * 32), (2, 3 * 32), (5, 32), (8, 32)])
def test_eval_images_are_predicted_by_each_fold_of_each_trial(side_by_side, seconds):
    work = EvalWork(images=1000, folds=3, trials=5, side_by_side=side_by_side)
    assert eval_seconds(work, seconds_per_image=0.01, setup_seconds=2) == pytest.approx(seconds)


def test_embedded_validation_images_take_time_too():
    work = EvalWork(images=1000, folds=3, trials=5, embedded=200)
    assert eval_seconds(work, seconds_per_image=0.01, setup_seconds=2) == pytest.approx(5 * 34)


def test_an_end_too_early_for_one_trial_says_how_long_one_takes():
    needed = OneTrial(steps=8, step_seconds=41, start_seconds=12, reserved=30)
    end = End(NOON + 120, "search.budget=2m")
    with pytest.raises(UserError) as refused:
        refuse_too_short(end, NOON, needed)
    assert str(refused.value) == (
        "search.budget=2m leaves 2m, and one trial takes about 6m 10s here (8 epochs of 41s, 12s "
        "to start, 30s for the eval predictions): give it more time, or lower train.epochs"
    )


def test_an_end_that_leaves_time_for_one_trial_is_taken():
    needed = OneTrial(steps=8, step_seconds=41, start_seconds=12, reserved=30)
    refuse_too_short(End(NOON + 370, "search.finish_by=18:00"), NOON, needed)


@dataclass
class Search:
    """A search of endless trials on some slots, whose steps take what chance says."""

    budget: float
    slots: int
    seed: int
    random: np.random.Generator = field(init=False)
    clock: Clock = field(default_factory=Clock)
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)
        sizes = ({"data.image_height": height} for height in (64, 96, 128))
        self.kinds = [kind_of(TrialConfig().with_values(values)) for values in sizes]
        self.true = {kind: 20.0 * self.random.uniform(0.8, 1.2) for kind in self.kinds}
        for kind, seconds in self.true.items():
            # What a probe measured, with the other core idle.
            self.pace.seed(kind, 0.8 * seconds, 1.0, 0.001)

    def step_seconds(self, kind: Kind, step: int) -> float:
        first = 1.3 if step == 0 else 1.0
        return self.true[kind] * first * self.random.lognormal(0, 0.08)

    def run(self) -> float:
        """Return when the last trial was over, in seconds since the start."""
        timetable = Timetable(NOON + self.budget, self.pace, self.clock)
        ended = NOON
        free = [(NOON, slot) for slot in range(self.slots)]
        running: list[tuple[float, int, Kind, int, float]] = []
        while free or running:
            while free:
                self.clock.now, slot = free.pop()
                kind = self.kinds[self.random.integers(len(self.kinds))]
                if timetable.may_start(kind, 2):
                    self.pace.learn_start(kind, 1.0)
                    self.push(running, slot, kind, 0, self.clock.now + 1.0)
            if running:
                ended, slot, kind, step, seconds = heapq.heappop(running)
                self.clock.now = ended
                self.pace.learn(kind, seconds)
                goes_on = step < 8 and self.random.random() < 0.7
                if goes_on and timetable.may_go_on(kind):
                    self.push(running, slot, kind, step, ended)
                else:
                    free.append((ended, slot))
        return ended - NOON

    def push(self, running, slot, kind, step, now):
        seconds = self.step_seconds(kind, step)
        heapq.heappush(running, (now + seconds, slot, kind, step + 1, seconds))


@pytest.mark.parametrize("seed", range(20))
def test_a_search_neither_overruns_nor_leaves_much_time_unused(seed):
    budget, slots = (600, 1200, 2400, 5400)[seed % 4], 1 + seed % 3
    taken = Search(budget, slots, seed).run() / budget
    assert 0.85 <= taken <= 1.02
