"""Durations and clock times mean what people mean by them, and bad ones are named."""

import pickle
import time
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.config import SearchSection
from orchestrator.deadline import Deadline, parse_duration, seconds_allowed

EIGHT_IN_THE_EVENING = datetime(2026, 3, 1, 20, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("45s", timedelta(seconds=45)),
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        (" 90m ", timedelta(minutes=90)),
    ],
)
def test_duration_is_the_sum_of_its_units(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["90", "m", "1.5h", "30m1h", "-5m", "90 minutes", "0m"])
def test_bad_budget_is_named(text):
    with pytest.raises(ValueError, match=f"search.budget={text}"):
        SearchSection(budget=text)


@pytest.mark.parametrize("text", ["24:00", "18", "18:60", "6pm", "18:0"])
def test_bad_clock_time_is_named(text):
    with pytest.raises(ValueError, match=f"search.finish_by={text}"):
        SearchSection(finish_by=text)


def test_budget_of_many_million_years_is_named():
    with pytest.raises(ValueError, match=r"search\.budget=9999999999d"):
        SearchSection(budget="9999999999d")


def test_nothing_limits_a_search_that_names_no_end():
    assert seconds_allowed("", "", EIGHT_IN_THE_EVENING) is None
    assert not Deadline("", "").passed()


def test_clock_time_to_come_is_today():
    assert seconds_allowed("", "20:01", EIGHT_IN_THE_EVENING) == 30


@pytest.mark.parametrize(("clock", "hours"), [("18:00", 22), ("20:00", 24), ("7:30", 11.5)])
def test_clock_time_that_has_passed_is_tomorrow(clock, hours):
    assert seconds_allowed("", clock, EIGHT_IN_THE_EVENING) == hours * 3600 - 30


@pytest.mark.parametrize(("budget", "seconds"), [("10s", 10), ("2h", 30)])
def test_of_two_limits_the_earlier_counts(budget, seconds):
    assert seconds_allowed(budget, "20:01", EIGHT_IN_THE_EVENING) == seconds


def test_budget_counts_from_the_start_and_runs_out():
    deadline = Deadline("1s", "")
    assert not deadline.passed()
    deadline.start()
    assert not deadline.passed()
    time.sleep(max(0.0, deadline.end - time.time()))
    assert deadline.passed()


def test_deadline_that_was_pickled_has_started_anew():
    deadline = Deadline("1h", "")
    deadline.start()
    assert pickle.loads(pickle.dumps(deadline)).end > deadline.end
