"""How do real searches meet their deadlines? Each is a process, watched from its start to its end.

What happened when is read off the journals while they grow: a line is written as it happens.
"""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.commands import tell
from benchmarks.deadlines.report import Met
from benchmarks.processes import Command, started_process
from orchestrator.journal import Began, Broke, Ended, Event, Journal, Opened, Reported
from trainable.locations import Location
from trainable.store import all_experiments

SHARED = (
    *("space=loss_aug", "scale=small", "search.trials=200", "train.epochs=6"),
    "scheduler.grace_epochs=1",
)
SEARCHES = (
    (180.0, ("search.budget=3m", "data.image_height=32", "data.image_width=32")),
    (240.0, ("search.budget=4m", "data.image_height=48", "data.image_width=48")),
    (300.0, ("search.budget=5m", "data.image_height=64", "data.image_width=64")),
)
OWN = (
    (),
    ("scheduler.promote=true",),
    ("search.final_folds=2",),
)
"""What the searches try beside their lengths."""
SECONDS_BETWEEN_LOOKS = 0.1


@dataclass
class Slots:
    """What slots did up to now: who uses one, and the seconds of those that nobody used.

    ``cut`` are the seconds of epochs that were broken off, ``since`` when each trial's epoch began.
    """

    at: float = 0.0
    used: set[str] = field(default_factory=set)
    most: int = 1
    idle: float = 0.0
    cut: float = 0.0
    since: dict[str, float] = field(default_factory=dict)

    def take(self, at: float, event: Event) -> None:
        """Take in an event that happened now."""
        self.idle += (at - self.at) * (1 - len(self.used) / self.most) if self.at else 0.0
        self.at = at
        if isinstance(event, Ended) and event.again and event.trial in self.used:
            self.cut += at - self.since[event.trial]
        if isinstance(event, Began | Reported):
            self.since[event.trial] = at
        if isinstance(event, Began):
            self.used.add(event.trial)
        elif isinstance(event, Ended | Broke) or (
            isinstance(event, Reported) and event.verdict != "continue"
        ):
            self.used.discard(event.trial)
        self.most = max(self.most, len(self.used))


@dataclass
class Seen:
    """What was seen of a search, in seconds after its process ``started`` (since 1970)."""

    events: list[tuple[float, Event]]
    printed: str
    code: int
    ended: float
    started: float


def real_searches(runs: Path, data: str) -> list[Met]:
    """Run the searches one after the other."""
    found: list[Met] = []
    for (seconds, words), own in zip(SEARCHES, OWN, strict=True):
        folder = runs / f"{seconds:.0f}"
        asked = [*SHARED, *words, *own, f"data.root='{data}'", f"search.runs='{folder}'"]
        seen = watched(asked, folder)
        tell(f"{' '.join(words)}: ended after {seen.ended:.1f} s")
        if seen.code:
            raise RuntimeError(
                f"the search ended with {seen.code}: {' '.join(asked)}\n{seen.printed}"
            )
        found.append(met(" ".join([words[0], *own]), seconds, seen, folder))
    return found


def watched(words: Sequence[str], runs: Path) -> Seen:
    """Run a search to its end, and note when each of its events happened."""
    log = runs.with_suffix(".log")
    events: list[tuple[float, Event]] = []
    read: dict[Location, int] = {}
    started = time.time()
    with log.open("w") as output:
        pipes = {"stdout": output, "stderr": subprocess.STDOUT}
        with started_process(Command("orchestrator.search", words), pipes) as driver:
            while driver.poll() is None:
                time.sleep(SECONDS_BETWEEN_LOOKS)
                events += [(time.time() - started, event) for event in new_events(runs, read)]
            ended = time.time() - started
    return Seen(events, log.read_text(), driver.returncode, ended, started)


def new_events(runs: Path, read: dict[Location, int]) -> list[Event]:
    """Return what was written to journals since the last look."""
    found: list[Event] = []
    for path in [folder.journal for folder in all_experiments(runs) if folder.journal.exists()]:
        events = Journal(path).so_far()
        found += events[read.get(path, 0) :]
        read[path] = len(events)
    return found


def met(words: str, seconds: float, seen: Seen, runs: Path) -> Met:
    """Return how the deadline was met."""
    openings = [place for place, (_, event) in enumerate(seen.events) if isinstance(event, Opened)]
    trials = seen.events[: openings[1]] if len(openings) > 1 else seen.events
    slots = Slots()
    for at, event in trials:
        slots.take(at, event)
    stored = [trial for folder in all_experiments(runs) for trial in folder.trials()]
    evals = [trial.path / "eval.npz" for trial in stored if trial.has_eval()]
    predicted = max(path.stat().st_mtime for path in evals) - seen.started
    reported = [at for at, event in seen.events if isinstance(event, Reported)]
    return Met(
        what=words,
        length=seconds,
        ready=seen.ended,
        trained=slots.at,
        idle=slots.idle,
        cut=slots.cut / slots.most,
        trials=len({event.trial for _, event in trials if isinstance(event, Reported)}),
        predicted=len(evals),
        notes=(
            f"journal opened at {trials[0][0]:.1f} s, first epoch at {reported[0]:.1f} s, "
            f"last epoch at {reported[-1]:.1f} s; last prediction at {predicted:.1f} s"
        ),
    )
