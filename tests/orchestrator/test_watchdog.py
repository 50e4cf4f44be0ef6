"""A trial hangs when it is silent for far longer than its own epochs take."""

import pytest

from orchestrator.watchdog import (
    FIRST_SILENCE_SECONDS,
    LEAST_SILENCE_SECONDS,
    TIMES_AS_LONG,
    UNKNOWN_SILENCE_SECONDS,
    AwakeClock,
    Watchdog,
)
from trainable.patience import PATIENCE_VARIABLE, patient


@pytest.fixture
def watchdog(clock) -> Watchdog:
    """It watches trial-001, which has trained an epoch of 20 s."""
    watchdog = Watchdog(clock)
    watchdog.began("trial-001", "first")
    clock.now = 30.0
    watchdog.heard("trial-001", 20.0)
    return watchdog


def test_trial_hangs_when_it_is_silent_for_many_of_its_own_epochs(watchdog, clock):
    clock.now += TIMES_AS_LONG * 20.0
    assert watchdog.hanging() == {}
    clock.now += 1
    assert "3m 21s" in watchdog.hanging()["trial-001"].reason
    assert "its longest epoch took 20s" in watchdog.hanging()["trial-001"].reason


def test_longest_epoch_counts(watchdog, clock):
    watchdog.heard("trial-001", 5.0)
    clock.now += TIMES_AS_LONG * 20.0
    assert watchdog.hanging() == {}


def test_slow_trial_is_not_judged_by_the_quick_ones(watchdog, clock):
    watchdog.began("trial-002", "first")
    watchdog.heard("trial-002", 100.0)
    clock.now += TIMES_AS_LONG * 100.0
    assert list(watchdog.hanging()) == ["trial-001"]


def test_short_epochs_are_given_a_while(clock):
    watchdog = Watchdog(clock)
    watchdog.began("trial-001", "first")
    watchdog.heard("trial-001", 0.1)
    clock.now += LEAST_SILENCE_SECONDS
    assert watchdog.hanging() == {}
    clock.now += 1
    assert list(watchdog.hanging()) == ["trial-001"]


def test_trial_may_wait_for_storage_before_it_hangs(watchdog, clock, monkeypatch):
    monkeypatch.setenv(PATIENCE_VARIABLE, "120")
    clock.now += TIMES_AS_LONG * 20.0 + 120.0
    with patient():
        assert watchdog.hanging() == {}
        clock.now += 1
        assert list(watchdog.hanging()) == ["trial-001"]


def test_first_epoch_of_all_is_waited_for_long(clock):
    watchdog = Watchdog(clock)
    watchdog.began("trial-001", "first")
    clock.now += UNKNOWN_SILENCE_SECONDS
    assert watchdog.hanging() == {}
    clock.now += 1
    assert list(watchdog.hanging()) == ["trial-001"]


def test_first_epoch_of_a_leg_is_judged_by_those_of_others(watchdog, clock):
    watchdog.ended("trial-001")
    watchdog.began("trial-002", "first")
    clock.now += max(FIRST_SILENCE_SECONDS, TIMES_AS_LONG * 30.0)
    assert watchdog.hanging() == {}
    clock.now += 1
    assert list(watchdog.hanging()) == ["trial-002"]


def test_trial_that_is_over_does_not_hang(watchdog, clock):
    watchdog.ended("trial-001")
    clock.now += UNKNOWN_SILENCE_SECONDS + 1
    assert watchdog.hanging() == {}


def test_first_epoch_of_a_machine_is_waited_for_long(watchdog, clock):
    watchdog.ended("trial-001")
    watchdog.began("trial-002", "joined later")
    clock.now += UNKNOWN_SILENCE_SECONDS
    assert watchdog.hanging() == {}
    clock.now += 1
    assert list(watchdog.hanging()) == ["trial-002"]


def test_silence_is_the_trials_failure_where_its_machine_has_trained_before(watchdog, clock):
    watchdog.began("trial-002", "joined later")
    clock.now += UNKNOWN_SILENCE_SECONDS + 1
    causes = {trial: found.cause for trial, found in watchdog.hanging().items()}
    assert causes == {"trial-001": "trial", "trial-002": "machine"}


def test_trial_that_is_over_is_not_waited_for_though_an_epoch_of_it_comes_late(watchdog, clock):
    watchdog.ended("trial-001")
    watchdog.heard("trial-001", 20.0)
    clock.now += UNKNOWN_SILENCE_SECONDS + 1
    assert watchdog.hanging() == {}


def test_driver_that_was_stopped_takes_nobody_for_silent(clock):
    watchdog = Watchdog(AwakeClock(clock))
    watchdog.began("trial-001", "first")
    watchdog.heard("trial-001", 0.1)
    clock.now += 10 * LEAST_SILENCE_SECONDS
    assert watchdog.hanging() == {}
    for _ in range(int(LEAST_SILENCE_SECONDS)):
        clock.now += 1
        hanging = watchdog.hanging()
    assert list(hanging) == ["trial-001"]
