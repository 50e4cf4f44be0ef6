"""What did each result and each start cost the driver? A journal that looks at the clock."""

import time
from dataclasses import dataclass
from itertools import pairwise

import psutil

from orchestrator.journal import Event, Journal, Proposed, Reported
from trainable.locations import Location

KIB = 1024


@dataclass(frozen=True)
class Mark:
    """The clocks at an event, in seconds, and the driver's own memory in bytes, where read."""

    event: Event
    wall: float
    cpu: float
    memory: int | None = None


@dataclass(frozen=True)
class Costs:
    """What the driver spent while all slots were busy: milliseconds, KiB; and how much it did."""

    results: int
    starts: int
    wall_per_result: float
    cpu_per_result: float
    wall_per_start: float
    cpu_per_start: float
    kib_per_trial: float


class MeteredJournal(Journal):
    """A journal that remembers when each event was written."""

    def __init__(self, path: Location) -> None:
        super().__init__(path)
        self.marks: list[Mark] = []
        self._process = psutil.Process()

    def append(self, event: Event) -> None:
        """Look at the clocks, then write."""
        memory = self._process.memory_info().rss if isinstance(event, Proposed) else None
        self.marks.append(Mark(event, time.perf_counter(), time.process_time(), memory))
        super().append(event)


def costs_of(marks: list[Mark], slots: int) -> Costs:
    """Return the costs between the last process's first result and the last new trial.

    From one result to the next, with nothing between them, is what a result costs; all else that
    took time is counted as the starts' (the ends of trials too).
    """
    within = marks[_all_busy(marks, slots) : _last_new(marks) + 1]
    alone = [
        (after.wall - before.wall, after.cpu - before.cpu)
        for before, after in pairwise(within)
        if _goes_on(before.event) and isinstance(after.event, Reported)
    ]
    results = sum(isinstance(mark.event, Reported) for mark in within)
    starts = sum(isinstance(mark.event, Proposed) for mark in within)
    wall, cpu = (1000 * sum(seconds) / len(alone) for seconds in zip(*alone, strict=True))
    all_wall = 1000 * (within[-1].wall - within[0].wall)
    all_cpu = 1000 * (within[-1].cpu - within[0].cpu)
    return Costs(
        results,
        starts,
        wall,
        cpu,
        (all_wall - results * wall) / starts,
        (all_cpu - results * cpu) / starts,
        _growth(within) / KIB,
    )


def _all_busy(marks: list[Mark], slots: int) -> int:
    seen: set[str] = set()
    for place, mark in enumerate(marks):
        if isinstance(mark.event, Reported):
            seen.add(mark.event.trial)
        if len(seen) == slots:
            return place
    raise ValueError(f"not all {slots} slots were ever busy")


def _last_new(marks: list[Mark]) -> int:
    return max(place for place, mark in enumerate(marks) if isinstance(mark.event, Proposed))


def _goes_on(event: Event) -> bool:
    return isinstance(event, Reported) and event.verdict == "continue"


def _growth(marks: list[Mark]) -> float:
    """Return the bytes by which the driver grew with each trial."""
    read = [mark.memory for mark in marks if mark.memory is not None]
    return (read[-1] - read[0]) / (len(read) - 1)
