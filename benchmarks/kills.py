"""Does a search survive `kill -9`? `python -m benchmarks.kills` kills one again and again.

The same search is run once undisturbed, and once killed at random moments and resumed each time.
One trial runs at a time, so that both must come to the same trials and the same scores; whatever
was committed before a kill must be there, to the last digit of its seconds, at the end.
"""

import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import psutil
import typer

from analysis.commands import new_app, tell, user_errors
from benchmarks.processes import Command, started_process
from orchestrator.journal import Ended, Journal
from trainable.records import EpochRecord
from trainable.store import ExperimentFolder

NAME, TRIALS = "killed", 8
WORDS = (
    *("space=loss_aug", "scale=small", "data.image_height=32", "data.image_width=32"),
    *(
        f"search.trials={TRIALS}",
        "train.epochs=6",
        "scheduler.grace_epochs=1",
        "scheduler.promote=true",
    ),
    *("cluster.max_concurrent=1", f"search.name={NAME}"),
)
"""A search of everything that has a state: portfolio, sampler, rungs, pauses."""
app = new_app()


@dataclass
class Kills:
    """What was seen: the moments of the kills, and what was committed at each."""

    seconds: list[float] = field(default_factory=list)
    committed: list[Mapping[str, Sequence[EpochRecord]]] = field(default_factory=list)


@app.command()
@user_errors()
def kills(
    count: Annotated[int, typer.Option(min=1, help="Kills.")] = 20,
    minutes: Annotated[float, typer.Option(min=1, help="Give up after so many.")] = 40,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    data: Annotated[str, typer.Option(help="Data folder, or the demo data.")] = "demo",
) -> None:
    """Kill a search at random moments, resume it, and compare it with an undisturbed one."""
    give_up = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        words = [*WORDS, f"data.root='{data}'"]
        began = time.monotonic()
        undisturbed = finished([*words, f"search.runs='{folder}/undisturbed'"], give_up)
        tell(f"undisturbed: {time.monotonic() - began:.0f} s")
        runs = Path(folder) / "disturbed"
        seen = disturbed([*words, f"search.runs='{runs}'"], runs, (count, seed, give_up))
        report(seen, undisturbed, ExperimentFolder(runs / NAME), count)


def disturbed(words: Sequence[str], runs: Path, limits: tuple[int, int, float]) -> Kills:
    """Run the search, killing it; after the last kill it ends by itself."""
    count, seed, give_up = limits
    moments, seen, folder = random.Random(seed), Kills(), ExperimentFolder(runs / NAME)
    while len(seen.seconds) < count and not is_finished(folder):
        seconds = moments.uniform(0.0, 40.0)
        if not folder.journal.exists():
            shutil.rmtree(runs, ignore_errors=True)  # killed before anything had begun
        with started(resumed(runs) if folder.journal.exists() else words) as driver:
            try:
                if code := driver.wait(seconds):
                    raise RuntimeError(f"the search ended by itself with {code}")
            except psutil.TimeoutExpired:
                driver.send_signal(signal.SIGKILL)
                driver.wait()
                seen.seconds.append(seconds)
                seen.committed.append(committed(folder))
        tell(f"{len(seen.seconds)}/{count} killed after {seconds:.1f} s")
        if time.monotonic() > give_up:
            raise typer.Exit(1)
    finished(resumed(runs), give_up)
    return seen


def report(seen: Kills, undisturbed: ExperimentFolder, found: ExperimentFolder, asked: int) -> None:
    """Print what was compared; exit with 1 where anything differs."""
    whole, again = outcome_of(undisturbed), outcome_of(found)
    final = committed(found)
    lost = sum(
        epoch not in final.get(trial, ())
        for before in seen.committed
        for trial, epochs in before.items()
        for epoch in epochs
    )
    tell(f"kills: {len(seen.seconds)}; trials: {len(again)} of {len(whole)}")
    tell(f"trials and scores at every step as without kills: {'yes' if again == whole else 'NO'}")
    tell(f"committed epochs lost or trained again: {lost}")
    raise typer.Exit(0 if again == whole and not lost and len(seen.seconds) == asked else 1)


def outcome_of(folder: ExperimentFolder) -> dict[str, object]:
    """Return each trial's values, how it ended, and its scores to the last digit."""
    return {
        trial.name: (
            trial.read().record.values,
            trial.read_outcome().status,
            [(epoch.epoch, epoch.metrics) for epoch in trial.read_epochs()],
        )
        for trial in folder.trials()
    }


def committed(folder: ExperimentFolder) -> Mapping[str, Sequence[EpochRecord]]:
    """Return the epochs that are stored of each trial."""
    return {trial.name: trial.read_epochs() for trial in folder.trials()}


def is_finished(folder: ExperimentFolder) -> bool:
    """Say whether nothing is left to kill."""
    if not folder.journal.exists():
        return False
    events = Journal(folder.journal).so_far()
    return len({event.trial for event in events if isinstance(event, Ended)}) >= TRIALS


def resumed(runs: Path) -> list[str]:
    """Return the words that go on with the search."""
    return [f"resume={NAME}", f"search.runs='{runs}'"]


def started(words: Sequence[str]) -> AbstractContextManager[psutil.Popen]:
    """Start the command in a process of its own, of whom nothing is left after the block.

    One that was killed has nobody to end what it had started: that ends by itself, or not at all.
    """
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return started_process(Command("orchestrator.search", words), silent)


def finished(words: Sequence[str], give_up: float) -> ExperimentFolder:
    """Run the command to its end and return its experiment."""
    with started(words) as driver:
        code = driver.wait(max(1.0, give_up - time.monotonic()))
    if code:
        raise RuntimeError(f"the search ended with {code}: {' '.join(words)}")
    runs = Path(words[-1].partition("=")[2].strip("'"))
    return ExperimentFolder(runs / NAME)


if __name__ == "__main__":
    app()
