"""Durations and times mean what people mean by them, and bad ones are named."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator.config import SearchSection
from orchestrator.deadline import asked_end, parse_duration, spoken
from orchestrator.plan import make_plan
from trainable.settings import UserError

EIGHT_IN_THE_EVENING = datetime(2026, 3, 1, 20, 0, 30, tzinfo=UTC)


def seconds_allowed(budget, finish_by, now):
    return asked_end(budget, finish_by, now).at - now.timestamp()


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


@pytest.mark.parametrize(
    "text",
    [
        *("24:00", "18", "18:60", "6pm", "18:0", "2026-03-01", "2026-02-30T18:00"),
        *("2026-03-01T24:00", "1026-03-01T18:00", "2026-03-01T18:00+01:00"),
    ],
)
def test_bad_clock_time_is_named(text):
    with pytest.raises(ValueError, match=re.escape(f"search.finish_by={text}: ")):
        SearchSection(finish_by=text)


def test_budget_of_many_million_years_is_named():
    with pytest.raises(ValueError, match=r"search\.budget=9999999999d"):
        SearchSection(budget="9999999999d")


def test_nothing_limits_a_search_that_names_no_end():
    assert asked_end("", "", EIGHT_IN_THE_EVENING) is None


def test_clock_time_to_come_is_today():
    assert seconds_allowed("", "20:01", EIGHT_IN_THE_EVENING) == 30


@pytest.mark.parametrize(("clock", "hours"), [("18:00", 22), ("20:00", 24), ("7:30", 11.5)])
def test_clock_time_that_has_passed_is_tomorrow(clock, hours):
    assert seconds_allowed("", clock, EIGHT_IN_THE_EVENING) == hours * 3600 - 30


@pytest.mark.parametrize("text", ["2026-03-02T08:00", "2026-03-02 8:00"])
def test_day_and_time_are_taken_as_they_are(text):
    assert seconds_allowed("", text, EIGHT_IN_THE_EVENING) == 12 * 3600 - 30


def test_day_and_time_reach_a_search_as_typed():
    typed = make_plan(["search.finish_by=2026-11-24T18:00"]).config.search.finish_by
    assert typed == "2026-11-24T18:00"


def test_day_and_time_are_those_of_the_clock_that_says_now():
    now = datetime(2026, 3, 1, 20, tzinfo=timezone(timedelta(hours=9)))
    assert seconds_allowed("", "2026-03-01T21:00", now) == 3600


@pytest.mark.parametrize("text", ["2026-03-01T20:00", "2026-02-28 23:59"])
def test_end_in_the_past_is_refused(text):
    with pytest.raises(UserError, match=f"{text} is in the past: it is 2026-03-01 20:00 now"):
        asked_end("", text, EIGHT_IN_THE_EVENING)


@pytest.mark.parametrize(
    ("clock", "note"),
    [
        ("18:00", "search.finish_by=18:00 is tomorrow, in 22h"),
        ("20:00", "search.finish_by=20:00 is tomorrow, in 24h"),
        ("08:00", ""),
        ("23:30", ""),
        ("2026-03-02T18:00", ""),
    ],
)
def test_tomorrow_is_said_where_today_may_have_been_meant(clock, note):
    assert asked_end("", clock, EIGHT_IN_THE_EVENING).note == note


def test_clock_that_is_put_forward_at_night_takes_an_hour_off(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        before_summer_time = datetime(2026, 3, 28, 20)
        assert seconds_allowed("", "8:00", before_summer_time) == 11 * 3600
    time.tzset()


@pytest.mark.parametrize(("budget", "seconds"), [("10s", 10), ("2h", 30)])
def test_of_two_limits_the_earlier_counts(budget, seconds):
    assert seconds_allowed(budget, "20:01", EIGHT_IN_THE_EVENING) == seconds


@pytest.mark.parametrize(
    ("budget", "asked"), [("10s", "search.budget=10s"), ("2h", "search.finish_by=20:01")]
)
def test_end_knows_the_word_that_asked_for_it(budget, asked):
    assert asked_end(budget, "20:01", EIGHT_IN_THE_EVENING).asked == asked


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *(
            (-1, "0s"),
            (0, "0s"),
            (0.43, "0.43s"),
            (9.49, "9.5s"),
            (9.5, "10s"),
            (41.4, "41s"),
            (60, "1m"),
            (370, "6m 10s"),
            (3570, "59m 30s"),
        ),
        *((3599.7, "1h"), (79_170, "22h"), (86_400, "24h"), (100_000, "27h 47m")),
    ],
)
def test_durations_are_spoken_as_they_are_typed(seconds, text):
    assert spoken(seconds) == text
