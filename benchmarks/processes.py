"""How is a command run, timed and watched, and ended with all that it started?"""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
SECONDS_BETWEEN_LOOKS = 2.0
"""Between two looks at the memory; a look costs some tens of milliseconds."""
LONGEST_SECONDS = 3600.0
ENDING_SECONDS = 10.0
LINES_OF_LOG = 15


class CommandError(RuntimeError):
    """A command failed; the message ends with what it said last."""


@dataclass(frozen=True)
class Command:
    """``python -m module words``, with what is added to the environment."""

    module: str
    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Ran:
    """When a command started and ended (seconds since 1970), and its most memory in bytes."""

    started: float
    ended: float
    peak_bytes: int

    @property
    def seconds(self) -> float:
        """Wall time from start to end."""
        return self.ended - self.started


def run(command: Command, log: Path) -> Ran:
    """Run a command to its end with its output in ``log``; CommandError where it fails."""
    started = time.time()
    with log.open("wb") as output:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        with started_process(command, pipes) as process:
            peak_bytes = watch(process)
    ended = time.time()
    if process.returncode:
        raise CommandError(f"{command.module} ended with {process.returncode}\n{last_lines(log)}")
    return Ran(started, ended, peak_bytes)


@contextmanager
def started_process(command: Command, pipes: Mapping[str, Any]) -> Generator[psutil.Popen]:
    """Start a command; at the end of the block it and all that it started are gone."""
    process = psutil.Popen(
        [sys.executable, "-m", command.module, *command.words],
        env={**os.environ, **command.environment},
        cwd=REPOSITORY,
        **pipes,
    )
    try:
        yield process
    finally:
        end_family(process)


def watch(process: psutil.Popen) -> int:
    """Wait for the end of a process; return the most memory of it and its descendants, bytes."""
    deadline = time.monotonic() + LONGEST_SECONDS
    peak = 0
    while time.monotonic() < deadline:
        try:
            process.wait(timeout=SECONDS_BETWEEN_LOOKS)
        except psutil.TimeoutExpired:
            peak = max(peak, sum(map(proportional_bytes, family(process))))
        else:
            return peak
    raise CommandError(f"{process.args} took more than {LONGEST_SECONDS:.0f} s")


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and its descendants: of a Ray driver also gcs, raylet and all workers."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def proportional_bytes(process: psutil.Process) -> int:
    """Return a process's memory, shared pages divided by their sharers (PSS, Linux only)."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.memory_full_info().pss
    return 0


def end_family(process: psutil.Popen) -> None:
    """End a process that still runs, and all that it started."""
    if process.poll() is not None:
        return
    members = family(process)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for member in members:
            with suppress(psutil.NoSuchProcess):
                end(member)
        _, members = psutil.wait_procs(members, timeout=ENDING_SECONDS)


def last_lines(log: Path) -> str:
    """Return the end of a command's output."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LINES_OF_LOG:])
