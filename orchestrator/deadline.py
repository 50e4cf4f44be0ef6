"""When must everything be ready? Durations and times as people type them."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from trainable.settings import UserError

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS = ("days", "hours", "minutes", "seconds")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAY_AND_CLOCK = re.compile(r"(2\d{3}-\d\d-\d\d)[T ](\d\d?:\d\d)")

MINUTE, HOUR = 60, 3600
TENTHS_SHOWN = 9.5
"""Seconds below which their tenths are of interest."""
SURPRISING = timedelta(hours=12)
"""A clock time that is farther away may have been meant for today, and that it was not is said."""


@dataclass(frozen=True)
class End:
    """When everything must be ready.

    ``at``, seconds since 1970; ``asked``, the word that says so; ``note``, what may surprise.
    """

    at: float
    asked: str
    note: str = ""


def parse_duration(text: str) -> timedelta:
    """Return the duration of text such as 90m, 2h, 1h30m or 45s; ValueError for another."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise ValueError(f"search.budget={text}: write a duration such as 90m, 2h or 1h30m")
    numbers = (int(part or 0) for part in found.groups())
    try:
        duration = timedelta(**dict(zip(_UNITS, numbers, strict=True)))
    except OverflowError:
        raise ValueError(f"search.budget={text}: that is longer than anybody waits") from None
    if not duration:
        raise ValueError(f"search.budget={text}: the budget must be longer than nothing")
    return duration


def parse_clock(text: str) -> time | datetime:
    """Return the time of text such as 18:00, or the day and time of text such as 2026-11-24T18:00.

    Raises ValueError for another.
    """
    day, clock_time = "", text.strip()
    if with_day := _DAY_AND_CLOCK.fullmatch(clock_time):
        day, clock_time = with_day.groups()
    found = _CLOCK.fullmatch(clock_time)
    try:
        if found:
            of_day = time(int(found[1]), int(found[2]))
            return datetime.combine(datetime.fromisoformat(day), of_day) if day else of_day
    except ValueError as error:
        raise ValueError(f"search.finish_by={text}: {error}") from None
    raise ValueError(
        f"search.finish_by={text}: write a time of day such as 18:00, or a day and time such as "
        "2026-11-24T18:00"
    )


def asked_end(budget: str, finish_by: str, now: datetime) -> End | None:
    """Return when everything must be ready, None where nothing says so; of two ends the earlier.

    A clock time that has passed today means tomorrow; a day and time that have passed are a
    UserError. A ``now`` without a time zone is local time, which knows of summer time.
    """
    ends: list[End] = []
    if budget:
        seconds = parse_duration(budget).total_seconds()
        ends.append(End(now.timestamp() + seconds, f"search.budget={budget}"))
    if finish_by:
        ends.append(_end_of_clock(finish_by, now))
    return min(ends, key=lambda end: end.at, default=None)


def spoken(seconds: float) -> str:
    """Return a duration nearly as it could be typed: 0.4s, 41s, 6m 10s, 22h 30m."""
    whole = max(0, round(seconds))
    if 0 < seconds < TENTHS_SHOWN:
        return f"{seconds:.2g}s"
    if whole < HOUR:
        parts = (whole // MINUTE, "m"), (whole % MINUTE, "s")
    else:
        minutes = round(seconds / MINUTE)
        parts = (minutes // MINUTE, "h"), (minutes % MINUTE, "m")
    return " ".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def _end_of_clock(text: str, now: datetime) -> End:
    typed, asked = parse_clock(text), f"search.finish_by={text}"
    if isinstance(typed, datetime):
        end = typed.replace(tzinfo=now.tzinfo)
        if end <= now:
            raise UserError(
                f"{asked} is in the past: it is {now:%Y-%m-%d %H:%M} now; write a time to come, or "
                "how long it may take: search.budget=90m"
            )
        return End(end.timestamp(), asked)
    end = datetime.combine(now, typed, tzinfo=now.tzinfo)
    is_tomorrow = end <= now
    end += timedelta(days=is_tomorrow)
    left = timedelta(seconds=end.timestamp() - now.timestamp())
    note = f"{asked} is tomorrow, in {spoken(left.total_seconds())}"
    return End(end.timestamp(), asked, note if is_tomorrow and left > SURPRISING else "")
