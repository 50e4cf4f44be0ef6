"""A leg whose process hangs is killed; one that Tune itself broke off is waited for no longer."""

from types import SimpleNamespace

import pytest
from played import STEPS, sampled
from ray.tune.schedulers import TrialScheduler

from benchmarks.schedulers.contenders import Nobody, Steady
from benchmarks.schedulers.stand_ins import Epoch, result_of
from orchestrator.decisions import Search
from orchestrator.journal import Broke
from orchestrator.legs import LegScheduler, LegSearcher
from orchestrator.rules import Fifo
from orchestrator.states import Ask
from orchestrator.watchdog import UNKNOWN_SILENCE_SECONDS, Watchdog
from trainable.leg_keys import NODES, TRIAL, UNFIT

STOP = TrialScheduler.STOP
TOLD = result_of(Epoch(1, score=0.5, best=0.5, seconds=1.0), iteration=1, seconds_so_far=1.0)


class Machines(Steady):
    """Machines that are there, and one that leaves."""

    refused = ""

    def refuse(self, node, reason):
        self.refused = f"{node}: {reason}"

    def why_leaving(self, node):
        return "it was told to end" if node == "leaving" else ""


class Run:
    """A search of one trial, which runs in a process that may be killed."""

    def __init__(self, clock):
        self.events, self.killed = [], []
        ask = Ask(1, 1, lambda values: STEPS)
        self.search = Search(ask, sampled(), Fifo(), write=self.events.append)
        self.watchdog = Watchdog(clock)
        self.machines = Machines()
        self.actor = object()

    def start(self) -> LegScheduler:
        """Start the trial's next leg in a Tune of its own."""
        searcher = LegSearcher(self.search, self.machines, reason_of=str, is_over=lambda: False)
        scheduler = LegScheduler(searcher, Nobody(), self.watchdog, self.killed.append)
        self.config = searcher.suggest("a1")
        state = SimpleNamespace(ray_actor=self.actor)
        self.trial = SimpleNamespace(trial_id="a1", config=self.config, temporary_state=state)
        scheduler.began(self.trial, node="a machine")
        return scheduler

    @property
    def breaks(self):
        return [(event.cause, event.reason) for event in self.events if isinstance(event, Broke)]


@pytest.fixture
def run(clock) -> Run:
    return Run(clock)


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
    later = LegScheduler(scheduler.searcher, Nobody(), run.watchdog, run.killed.append)
    scheduler.break_off(RuntimeError("a worker was killed"))
    clock.now += UNKNOWN_SILENCE_SECONDS + 1
    later.end_hanging()
    assert run.killed == []


def test_trial_leaves_when_the_machine_of_any_of_its_processes_is_leaving(run):
    scheduler = run.start()
    assert scheduler.on_trial_result(None, run.trial, {**TOLD, NODES: ["first", "leaving"]}) == STOP
    assert run.breaks == [("machine", "it left its machine: it was told to end")]


def test_machine_that_is_unfit_is_refused_by_its_name(run):
    unfit = {UNFIT: "it has other code", NODES: ["second"]}
    assert run.start().on_trial_result(None, run.trial, {**TOLD, **unfit}) == STOP
    assert run.machines.refused == "second: it has other code"
    assert run.breaks == [("machine", "its machine is unfit: it has other code")]
