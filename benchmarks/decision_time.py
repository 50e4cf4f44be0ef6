"""How long does a search think? `python -m benchmarks.decision_time`."""

import random
import statistics
import tempfile
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands import new_app, tell, user_errors
from orchestrator.decisions import Search
from orchestrator.journal import Journal
from orchestrator.proposals import Sampled, samplers
from orchestrator.rules import Halving
from orchestrator.states import Ask
from search_spaces.catalogue import SPACES
from trainable.config import TrialConfig

LEVELS, STEPS = (2, 6, 18), 27
TIMED = 200
app = new_app()


@app.command()
@user_errors()
def decision_time(
    trials: Annotated[int, typer.Option(min=10, help="Finished trials.")] = 1000,
    slots: Annotated[int, typer.Option(min=1, help="Trials that run at once.")] = 256,
    promote: Annotated[bool, typer.Option(help="Promoting, else stopping.")] = True,
) -> None:
    """Print the milliseconds of a decision: which leg next, and what follows from a score."""
    with tempfile.TemporaryDirectory() as folder:
        search = make_search(Path(folder), trials + slots + TIMED, slots, promote=promote)
        running: deque[str] = deque()
        legs: list[float] = []
        reports: list[float] = []
        while (
            sum(state.status == "ended" or state.step for state in search.trials.values()) < trials
        ):
            advance(search, running)
        while len(legs) < TIMED:
            leg_seconds, report_seconds = advance(search, running)
            legs += [leg_seconds] if leg_seconds else []
            reports.append(report_seconds)
    for name, seconds in (("next leg", legs), ("a score", reports)):
        median, worst = 1000 * statistics.median(seconds), 1000 * max(seconds)
        tell(
            f"{name}: {median:.2f} ms in the median, {worst:.2f} ms at most ({len(seconds)} times)"
        )


def make_search(folder: Path, trials: int, slots: int, *, promote: bool) -> Search:
    """Return a search of the space loss_aug, with its journal."""
    draw = partial(SPACES["loss_aug"].suggest, base=TrialConfig())
    return Search(
        Ask(trials, slots, lambda values: STEPS),
        Sampled(draw, samplers("kde", 0, (*LEVELS, STEPS))),
        Halving(LEVELS, 3, promote=promote),
        write=Journal(folder / "search.jsonl").append,
    )


def advance(search: Search, running: deque[str]) -> tuple[float, float]:
    """Fill the slots and report one step; return the seconds of one leg and of the report."""
    leg_seconds = 0.0
    started = time.perf_counter()
    while (leg := search.next_leg()) is not None:
        leg_seconds = time.perf_counter() - started
        running.append(leg.trial)
        started = time.perf_counter()
    trial = running.popleft()
    step = search.trials[trial].step + 1
    started = time.perf_counter()
    if search.report(trial, step, random.Random(trial).random() + 0.001 * step):
        running.append(trial)
    return leg_seconds, time.perf_counter() - started


if __name__ == "__main__":
    app()
