"""What has a search decided so far? One line of JSON an event, written before it is acted upon."""

import os
import platform
import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from orchestrator.rules import Verdict
from trainable.files import write_bytes
from trainable.growing import growing, read_grown
from trainable.locations import Location
from trainable.records import Status
from trainable.settings import Value, is_file_name
from trainable.store import now

Cause = Literal["trial", "machine", "memory"]
"""Why a trial was broken off: by its own failure, as its machine was lost, for want of memory."""
NodeChange = Literal["joined", "lost", "leaving", "unfit"]


def _is_name(name: str) -> str:
    """Refuse what would be a path: files are written in a folder that is called so."""
    if not is_file_name(name):
        raise ValueError("is no name of a trial")
    return name


TrialName = Annotated[str, AfterValidator(_is_name)]


class Line(BaseModel):
    """A line of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Opened(Line):
    """A driver took the search up: it was started, or it was resumed."""

    event: Literal["opened"] = "opened"
    at: str = Field(default_factory=now)
    by: str = Field(
        default_factory=lambda: f"{platform.node()}:{os.getpid()}", description="machine, process"
    )
    after: int | None = Field(
        default=None,
        description="how many events this driver had read: others before it do not count",
    )


class Proposed(Line):
    """A configuration became a trial."""

    event: Literal["proposed"] = "proposed"
    trial: TrialName
    values: dict[str, Value]
    source: str = Field(description="who proposed it: the sampler, a list, earlier experiments")


class Began(Line):
    """A slot was given to a trial, from a step on: at first, promoted, or after a failure."""

    event: Literal["began"] = "began"
    trial: TrialName
    step: int
    is_filling: bool = Field(default=False, description="for want of anything better to do")


class Reported(Line):
    """A trial finished a step, and what follows from its score; ``taken``: an equal one did."""

    event: Literal["reported"] = "reported"
    trial: TrialName
    step: int
    score: float
    verdict: Verdict | Literal["taken"]


class Broke(Line):
    """A trial was broken off; it is tried again, or not."""

    event: Literal["broke"] = "broke"
    trial: TrialName
    reason: str
    cause: Cause = Field(default="trial", description="its own failure, or of what it ran out")


class NodeChanged(Line):
    """A machine came or went, or must not be used."""

    event: Literal["node"] = "node"
    at: str = Field(default_factory=now)
    node: str = Field(description="address, and the beginning of Ray's name for it")
    change: NodeChange
    reason: str = ""
    slots: int = Field(description="trials that fit at once from then on")


class Ended(Line):
    """A trial is over; ``again``: a search that is resumed goes on with it."""

    event: Literal["ended"] = "ended"
    trial: TrialName
    status: Status
    reason: str = ""
    again: bool = False


Event = Opened | Proposed | Began | Reported | Broke | NodeChanged | Ended
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


class Journal:
    """A file of events; one that was cut off in the middle of a line loses only that line."""

    def __init__(self, path: Location) -> None:
        self.path = path
        self._lines = growing(path)

    def take_up(self) -> tuple[list[Event], str]:
        """Write down that this process is the driver now, and return what earlier ones wrote.

        That is all events up to the first damaged line, and a sentence if there is one: what is
        damaged is moved aside, so that new events follow whole ones.
        """
        notices: list[str] = []

        def repaired(content: bytes) -> bytes:
            lines = _lines(content)
            whole = len(_whole(lines))
            if whole < len(lines):
                notices.append(self._set_aside(lines, whole))
            return b"".join(lines[:whole])

        before = self._lines.take_up(_line(Opened()), repaired)
        events = _counted(_whole(_lines(before)))
        if events:
            self.append(Opened(after=len(events)))
        return events, "".join(notices)

    def append(self, event: Event) -> None:
        """Write an event at once or not at all.

        Raises StorageError where it cannot be written, ReplacedError where another driver goes on
        with the search.
        """
        self._lines.append(_line(event))

    def so_far(self) -> list[Event]:
        """Return the events up to the first line that is not whole; the file may be growing."""
        return _counted(_whole(_lines(read_grown(self.path))))

    def _set_aside(self, lines: Sequence[bytes], whole: int) -> str:
        aside = self.path.with_suffix(".damaged")
        write_bytes(aside, b"".join(lines[whole:]))
        return (
            f"{self.path.name} is damaged from line {whole + 1} on ({len(lines) - whole} line(s), "
            f"now in {aside.name}): the search goes on from the {whole} events before it"
        )


def _line(event: Event) -> bytes:
    return event.model_dump_json().encode() + b"\n"


def _lines(content: bytes) -> list[bytes]:
    # Not splitlines, which also splits where JSON does not escape: at a carriage return, for one.
    return [line for line in re.split(rb"(?<=\n)", content) if line]


def _whole(lines: Sequence[bytes]) -> list[Event]:
    """Return the events of the lines up to the first one that is damaged."""
    events: list[Event] = []
    for line in lines:
        try:
            events.append(_EVENT.validate_json(line if line.endswith(b"\n") else b""))
        except ValidationError:
            break
    return events


def _counted(events: Sequence[Event]) -> list[Event]:
    """Leave out what a driver wrote when the one that replaced it had read: nobody acted on it."""
    counted: list[Event] = []
    for event in events:
        if isinstance(event, Opened) and event.after is not None:
            del counted[event.after :]
        counted.append(event)
    return counted
