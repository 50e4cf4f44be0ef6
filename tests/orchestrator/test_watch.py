"""Whenever a driver dies, the next one makes the store say what the journal says."""

import functools
from io import StringIO

import pytest
from played import STEPS, own_score, sampled
from rich.console import Console

from orchestrator.decisions import Search
from orchestrator.journal import Ended, Reported
from orchestrator.live import LiveTable
from orchestrator.pace import Pace
from orchestrator.plan import Plan, make_plan
from orchestrator.progress import SearchGoal
from orchestrator.rules import Halving
from orchestrator.states import Ask
from orchestrator.timekeeper import Timekeeper, Work
from orchestrator.timetable import EvalWork
from orchestrator.watch import SearchWatch, stored_progress
from trainable.config import TrialConfig
from trainable.records import EpochRecord, MachineRecord, TrialRecord
from trainable.store import ExperimentFolder


@pytest.fixture
def folder(tmp_path) -> ExperimentFolder:
    (tmp_path / "watched").mkdir()
    return ExperimentFolder(tmp_path / "watched")


@functools.cache
def planned() -> Plan:
    return make_plan(["search.trials=6", "search.keep=2"])


class Driven:
    """A driver's search in a folder, which trains without a network."""

    def __init__(self, folder, earlier=()):
        self.folder, self.events = folder, list(earlier)
        plan = planned()
        keeper = Timekeeper(plan.base, Work(10, EvalWork(10, 1, 5), 1.0), None, Pace())
        self.live = LiveTable(Console(file=StringIO()))
        self.watch = SearchWatch(plan, folder, keeper, self.live)
        self.search = Search(
            Ask(6, 1, lambda values: STEPS),
            sampled(),
            Halving((1, 3), 3, promote=False),
            write=self.events.append,
            watch=self.watch,
        )
        self.search.replay(earlier)
        goal = SearchGoal(folder.name, 6, STEPS, 0.0)
        self.watch.begin(stored_progress(goal, self.search.trials, folder), lambda: None)
        self.search.settle()

    def run(self):
        while (leg := self.search.next_leg()) is not None:
            step, goes_on = leg.step, True
            while goes_on:
                step += 1
                epoch = store_epoch(self.folder.trial(leg.trial), step)
                self.watch.epoch_finished(leg.trial, epoch)
                goes_on = self.search.report(leg.trial, step, own_score(leg.trial, step))
        return self


def store_epoch(trial, step):
    record = TrialRecord(
        trial=trial.name,
        config=TrialConfig(),
        values={},
        machine=MachineRecord(
            host="h", process=1, device="cpu", precision="p", threads=1, torch="t", processor="p"
        ),
        identity="i",
        setup_seconds=0.1,
        started="2026-01-01",
    )
    epochs = [
        EpochRecord(
            epoch=number,
            metrics={"macro_f1": own_score(trial.name, number)},
            train_loss=1.0,
            lr=0.1,
            seconds={"step": 1.0, "validation": 0.1},
        )
        for number in range(1, step + 1)
    ]
    trial.write_record(record)
    trial.write_epochs(epochs)
    trial.state_file.touch()
    trial.weights_file.touch()
    return epochs[-1]


def outcomes(folder):
    return {trial.name: trial.read_outcome() for trial in folder.trials()}


def test_store_says_what_the_journal_says_wherever_its_driver_died(folder, tmp_path):
    whole = Driven(folder).run()
    ends = [place for place, event in enumerate(whole.events) if isinstance(event, Ended)]
    for size in sorted({*ends[:3], *(place + 1 for place in ends[:3])}):
        died = ExperimentFolder(tmp_path / f"died-{size}")
        died.path.mkdir()
        for event in whole.events[:size]:
            if isinstance(event, Reported):
                store_epoch(died.trial(event.trial), event.step)
        again = Driven(died, whole.events[:size]).run()
        assert outcomes(died) == outcomes(folder)
        assert not list(died.path.glob("*/state.safetensors"))
        assert again.watch.progress.best.trial == whole.watch.progress.best.trial


def test_weights_are_kept_of_the_best_alone(folder):
    driven = Driven(folder).run()
    best = [trial.trial for trial in driven.watch.progress.ended_well[:2]]
    assert {file.parent.name for file in folder.path.glob("*/weights.safetensors")} == set(best)


def test_weights_of_a_broken_trial_that_may_be_tried_again_are_kept(folder):
    driven = Driven(folder)
    leg = driven.search.next_leg()
    driven.watch.epoch_finished(leg.trial, store_epoch(folder.trial(leg.trial), 1))
    driven.search.report(leg.trial, 1, 0.9)
    for _ in range(3):
        driven.search.broke(leg.trial, "killed")
        driven.search.next_leg()
    assert driven.search.trials[leg.trial].ended.again
    assert folder.trial(leg.trial).has_weights()
    assert folder.trial(leg.trial).has_state()
