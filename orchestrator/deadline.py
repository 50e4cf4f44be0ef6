"""When must the trials be done? Durations and clock times as people type them."""

import re
import time
from datetime import datetime, timedelta
from typing import Any

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS = ("days", "hours", "minutes", "seconds")


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


def parse_clock(text: str) -> tuple[int, int]:
    """Return hour and minute of text such as 18:00; ValueError for another."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip())
    if not found:
        raise ValueError(f"search.finish_by={text}: write a time of day such as 18:00")
    return int(found[1]), int(found[2])


def seconds_allowed(budget: str, finish_by: str, now: datetime) -> float | None:
    """Return the seconds that trials may take from ``now`` on, None where nothing limits them.

    A clock time that has passed today means tomorrow; of two limits the earlier counts.
    """
    limits: list[float] = []
    if budget:
        limits.append(parse_duration(budget).total_seconds())
    if finish_by:
        hour, minute = parse_clock(finish_by)
        end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        end += timedelta(days=1) if end <= now else timedelta()
        limits.append((end - now).total_seconds())
    return min(limits, default=None)


class Deadline:
    """When trials must stop, counted from the start of this process's search.

    A search that is resumed gets its budget anew, and the next occurrence of its clock time.
    """

    def __init__(self, budget: str, finish_by: str) -> None:
        self._budget = budget
        self._finish_by = finish_by
        self._end: float | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_budget": self._budget, "_finish_by": self._finish_by}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_budget"], state["_finish_by"])
        self.start()

    def start(self) -> None:
        """Let the time run from now on."""
        now = datetime.now().astimezone()
        seconds = seconds_allowed(self._budget, self._finish_by, now)
        self._end = None if seconds is None else now.timestamp() + seconds

    @property
    def end(self) -> float | None:
        """The end in seconds since 1970, None where nothing limits the search."""
        return self._end

    def passed(self) -> bool:
        """Whether the end is over."""
        return self._end is not None and time.time() >= self._end
