"""A leg whose process hangs is killed; one that Tune itself broke off is waited for no longer."""

from types import SimpleNamespace

import pytest
import ray
from played import STEPS, sampled

from benchmarks.schedulers.contenders import Nobody, Steady
from orchestrator.decisions import Search
from orchestrator.journal import Broke
from orchestrator.legs import LegScheduler, LegSearcher
from orchestrator.rules import Fifo
from orchestrator.states import Ask
from orchestrator.watchdog import UNKNOWN_SILENCE_SECONDS, Watchdog
from trainable.leg_keys import TRIAL


class Run:
    """A search of one trial, which runs in a process that may be killed."""

    def __init__(self, clock):
        self.events, self.killed = [], []
        ask = Ask(1, 1, lambda values: STEPS)
        self.search = Search(ask, sampled(), Fifo(), write=self.events.append)
        self.watchdog = Watchdog(clock)
        self.actor = object()

    def start(self) -> LegScheduler:
        """Start the trial's next leg in a Tune of its own."""
        searcher = LegSearcher(self.search, Steady(), reason_of=str, is_over=lambda: False)
        scheduler = LegScheduler(searcher, Nobody(), self.watchdog)
        self.config = searcher.suggest("a1")
        state = SimpleNamespace(ray_actor=self.actor)
        trial = SimpleNamespace(trial_id="a1", config=self.config, temporary_state=state)
        scheduler.began(trial, node="a machine")
        return scheduler

    @property
    def breaks(self):
        return [(event.cause, event.reason) for event in self.events if isinstance(event, Broke)]


@pytest.fixture
def run(clock, monkeypatch) -> Run:
    run = Run(clock)
    monkeypatch.setattr(ray, "kill", run.killed.append)
    return run


def test_process_of_a_leg_that_hangs_is_killed_once(run, clock):
    scheduler = run.start()
    scheduler.end_hanging()
    assert run.killed == []
    clock.now += UNKNOWN_SILENCE_SECONDS + 1
    scheduler.end_hanging()
    scheduler.end_hanging()
    assert run.killed == [run.actor]


def test_search_is_told_why_a_leg_that_hung_was_broken_off(run, clock):
    scheduler = run.start()
    clock.now += UNKNOWN_SILENCE_SECONDS + 1
    scheduler.end_hanging()
    scheduler.searcher.on_trial_complete("a1", error=True)
    assert run.breaks == [("machine", "it gave no sign of life for 1h")]


def test_leg_that_tune_broke_off_goes_on_in_the_next_tune(run):
    run.start().break_off(RuntimeError("a worker was killed\nby Ray"))
    assert run.breaks == [("machine", "a worker was killed")]
    run.start()
    assert run.config[TRIAL] == "trial-001"


def test_leg_that_tune_broke_off_is_not_looked_for_by_the_next_tune(run, clock):
    scheduler = run.start()
    later = LegScheduler(scheduler.searcher, Nobody(), run.watchdog)
    scheduler.break_off(RuntimeError("a worker was killed"))
    clock.now += UNKNOWN_SILENCE_SECONDS + 1
    later.end_hanging()
    assert run.killed == []
