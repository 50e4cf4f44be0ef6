"""How many epochs a minute can these cores train at most?

As many bare processes as there are cores, of one thread each, train at the same time.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.processes import Command, CommandError, last_lines, started_process
from benchmarks.samples import LIMITS, Sample
from benchmarks.task import Task


class BareProcess:
    """A `benchmarks.bare_loop` that trains a variant when it is told to."""

    def __init__(self, process: psutil.Popen, log: Path) -> None:
        self._process = process
        self._log = log

    def tell(self, variant: str) -> None:
        """Let the process train a variant."""
        self._process.stdin.write(f"{variant}\n")
        self._process.stdin.flush()

    def answer(self) -> float:
        """Wait for the process's next number; CommandError where it has ended instead."""
        line = self._process.stdout.readline()
        if not line:
            raise CommandError(f"a bare process ended\n{last_lines(self._log)}")
        return json.loads(line)


def measure_limit(task: Task) -> list[Sample]:
    """Return the epochs a minute of all cores together, for each variant."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        logs = [Path(folder) / f"{core}.log" for core in range(os.cpu_count() or 1)]
        cores = [stack.enter_context(bare_process(task, log)) for log in logs]
        for core in cores:
            core.answer()
        return [Sample(variant, epochs_per_minute(variant, cores)) for variant in LIMITS]


@contextmanager
def bare_process(task: Task, log: Path) -> Generator[BareProcess]:
    """Start a process whose first answer says that its arrays are loaded."""
    words = [str(task.root), str(task.limit_epochs)]
    command = Command("benchmarks.bare_loop", words, {"OMP_NUM_THREADS": "1"})
    with log.open("w") as errors:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        with started_process(command, {**pipes, "text": True}) as process:
            yield BareProcess(process, log)


def epochs_per_minute(variant: str, cores: list[BareProcess]) -> float:
    """Let all processes train a variant at the same time and add up what they reach."""
    for core in cores:
        core.tell(variant)
    return sum(core.answer() for core in cores)
