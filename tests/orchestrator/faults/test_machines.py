"""Machines come, go and hang: the search goes on, and comes out as if they had not."""

import itertools
import signal

import psutil
import pytest
from searched_anyway import LONG, trials_in_the_middle
from searches import meanwhile

from benchmarks.machines import send
from orchestrator.journal import Journal, Reported
from trainable.patience import PATIENCE_VARIABLE

RUNG = 2


def test_search_goes_on_when_a_raylet_is_killed(own_cluster, search_while):
    machines = own_cluster.have(2)

    def kill(folder) -> bool:
        for process in trials_in_the_middle(folder).values():
            for machine in machines:
                if machine.runs(process):
                    send(machine.raylet, signal.SIGKILL)
                    return True
        return False

    found = search_while(kill)
    assert "machine" in {broke.cause for broke in found.breaks}
    assert [change.change for change in found.changes] == ["lost"]
    assert "is gone: 1 trials fit at once" in found.search.printed


@pytest.mark.fault
def test_machine_that_joins_is_used(own_cluster, search_while):
    own_cluster.have(1)

    def add(folder) -> bool:
        return bool(trials_in_the_middle(folder, epochs=1)) and bool(own_cluster.add())

    found = search_while(add, LONG)
    (joined,) = found.changes
    assert (joined.change, joined.slots) == ("joined", 2)
    assert trained_at_once(found.events[found.events.index(joined) :])


@pytest.mark.fault
def test_machine_that_leaves_and_returns_is_used_again(own_cluster, search_while):
    machines = own_cluster.have(2)

    def leave_and_return(folder) -> bool:
        for process in trials_in_the_middle(folder, epochs=2).values():
            for machine in machines:
                if machine.runs(process):
                    own_cluster.end(machine)
                    return bool(own_cluster.add())
        return False

    found = search_while(leave_and_return, LONG)
    assert {change.change for change in found.changes} == {"lost", "joined"}
    (joined,) = [change for change in found.changes if change.change == "joined"]
    assert trained_at_once(found.events[found.events.index(joined) :])


def trained_at_once(events) -> bool:
    """Say whether two trials took turns to report: with one core each on two machines then."""
    told = [event.trial for event in events if isinstance(event, Reported)]
    turns = [trial for trial, _ in itertools.groupby(told)]
    return len(turns) > len(set(turns))


@pytest.mark.fault
def test_trials_leave_a_machine_that_is_told_to_end_and_lose_no_epoch(own_cluster, search_while):
    machines = own_cluster.have(2)
    told = []

    def tell(folder) -> bool:
        for process in trials_in_the_middle(folder, epochs=2).values():
            for machine in machines:
                if not told and machine.runs(process):
                    told.append(machine)
                    machine.notice(own_cluster.address, seconds=60)
        return bool(told)

    found = search_while(tell)
    (left,) = [broke for broke in found.breaks if broke.cause == "machine"]
    assert "it left its machine: it was told to end" in left.reason
    assert "leaving" in {change.change for change in found.changes}


@pytest.mark.fault
def test_trial_that_hangs_is_killed_and_goes_on(own_cluster, search_while, monkeypatch):
    monkeypatch.setenv(PATIENCE_VARIABLE, "1")  # the driver's: it need not wait for storage's sake
    own_cluster.have(2)

    def hang(folder) -> bool:
        for process in trials_in_the_middle(folder).values():
            send(psutil.Process(process), signal.SIGSTOP)
            return True
        return False

    found = search_while(hang)
    (broke,) = found.breaks
    assert broke.cause == "trial"
    assert "it gave no sign of life for 1m" in broke.reason
    assert broke.reason in found.search.printed


@pytest.mark.fault
def test_slow_machine_holds_up_no_promotion(own_cluster, search_while):
    _, slow = own_cluster.have(2)

    def stumble() -> bool:
        slow.stumble(seconds=1)
        return False

    with meanwhile(stumble):
        found = search_while(
            lambda folder: bool(reports(Journal(folder.journal).so_far(), RUNG + 1)),
            *("scheduler=halving", f"scheduler.grace_epochs={RUNG}", "scheduler.reduction=2"),
            is_whole=False,
        )
    (went_on, *_) = reports(found.events, RUNG + 1)
    before = found.events[: found.events.index(went_on)]
    assert at_rung(before) < at_rung(found.events) == set(found.search.trials)


def at_rung(events) -> set[str]:
    return {event.trial for event in reports(events, RUNG)}


def reports(events, step: int) -> list[Reported]:
    return [event for event in events if isinstance(event, Reported) and event.step == step]
