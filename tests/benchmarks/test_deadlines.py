"""How deadlines are met is reckoned as it is said, and on a played clock they are."""

import pytest

from benchmarks.deadlines.real import Slots
from benchmarks.deadlines.report import MOST_UNUSED, Met
from benchmarks.deadlines.simulated import PREDICTED, simulated_searches
from orchestrator.journal import Began, Ended, Opened, Reported


@pytest.mark.parametrize("met", simulated_searches(4), ids=lambda met: met.what)
def test_played_searches_are_ready_in_time_and_use_it(met):
    assert met.ready <= met.length
    assert met.unused < MOST_UNUSED
    assert met.predicted == PREDICTED


def test_being_early_and_idle_is_unused_time():
    early = Met("", length=100, trained=80, ready=90, idle=4, cut=0, trials=1, predicted=1)
    assert early.overrun == 0
    assert early.unused == pytest.approx(0.14)


def test_being_late_is_overrun():
    late = Met("", length=100, trained=80, ready=103, idle=4, cut=0, trials=1, predicted=1)
    assert late.overrun == pytest.approx(0.03)
    assert late.unused == pytest.approx(0.04)


def reported(trial, step, verdict="continue"):
    return Reported(trial=trial, step=step, score=0.5, verdict=verdict)


def test_slot_is_idle_from_the_end_of_one_trial_to_the_begin_of_the_next():
    slots = Slots()
    for at, event in [
        (1.0, Opened()),
        (1.0, Began(trial="a", step=0)),
        (1.0, Began(trial="b", step=0)),
        (5.0, reported("a", 1, "pause")),
        (9.0, reported("b", 1)),
    ]:
        slots.take(at, event)
    assert slots.idle == pytest.approx(4 / 2)
    assert slots.cut == 0


def test_epoch_that_the_deadline_cut_off_counts_as_broken_off():
    slots = Slots()
    for at, event in [
        (1.0, Opened()),
        (1.0, Began(trial="a", step=0)),
        (5.0, reported("a", 1)),
        (8.0, Ended(trial="a", status="stopped", again=True)),
    ]:
        slots.take(at, event)
    assert slots.cut == pytest.approx(3)
