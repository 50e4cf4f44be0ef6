"""What has a search decided so far? One line of JSON an event, written before it is acted upon."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from orchestrator.rules import Verdict
from trainable.files import StorageError, write_text
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


@dataclass
class Journal:
    """A file of events; one that was cut off in the middle of a line loses only that line."""

    path: Path

    def append(self, event: Event) -> None:
        """Write an event at once or not at all; StorageError where it cannot be written."""
        line = event.model_dump_json() + "\n"
        size = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fdatasync(file.fileno())
        except OSError as error:
            if self.path.exists():
                os.truncate(self.path, size)
            raise StorageError(f"cannot store {self.path}: {error.strerror}") from error

    def read(self) -> tuple[list[Event], str]:
        """Return all events up to the first damaged line, and a sentence if there is one.

        What is damaged is moved aside, so that new events follow whole ones.
        """
        lines = self._lines()
        events = _whole(lines)
        return events, self._set_aside(lines, len(events)) if len(events) < len(lines) else ""

    def so_far(self) -> list[Event]:
        """Return the events up to the first line that is not whole; the file may be growing."""
        return _whole(self._lines())

    def _lines(self) -> list[str]:
        # Not splitlines, which also splits where JSON does not escape: at U+2028, for one.
        text = self.path.read_bytes().decode(errors="replace")
        return [line for line in re.split(r"(?<=\n)", text) if line]

    def _set_aside(self, lines: Sequence[str], whole: int) -> str:
        aside = self.path.with_suffix(".damaged")
        write_text(aside, "".join(lines[whole:]))
        write_text(self.path, "".join(lines[:whole]))
        return (
            f"{self.path.name} is damaged from line {whole + 1} on ({len(lines) - whole} line(s), "
            f"now in {aside.name}): the search goes on from the {whole} events before it"
        )


def _whole(lines: Sequence[str]) -> list[Event]:
    """Return the events of the lines up to the first one that is damaged."""
    events: list[Event] = []
    for line in lines:
        try:
            events.append(_EVENT.validate_json(line if line.endswith("\n") else ""))
        except ValidationError:
            break
    return events
