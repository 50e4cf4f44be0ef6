"""How do these tests search? In their own process, on the session's cluster."""

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO

from orchestrator import search
from trainable.locations import location
from trainable.records import EpochRecord, TrialResults
from trainable.store import ExperimentFolder, open_experiment

Epochs = Mapping[str, Sequence[EpochRecord]]
"""Trial -> its stored epochs."""


@dataclass(frozen=True)
class Searched:
    """A search that is over: what it stored, printed and gave back."""

    folder: ExperimentFolder
    code: int
    printed: str
    seconds: float
    """From the first word to the last."""
    trials: Mapping[str, TrialResults]


def run_search(words: list[str]) -> Searched:
    """Search in this process, which joins and leaves the cluster."""
    runs = next(word for word in words if word.startswith("search.runs=")).partition("=")[2]
    printed, started = StringIO(), time.monotonic()
    with redirect_stdout(printed):
        code = search.main(words)
    seconds = time.monotonic() - started
    folder = open_experiment(location(runs).resolve())
    trials = {trial.name: trial.read() for trial in folder.trials()}
    return Searched(folder, code, printed.getvalue(), seconds, trials)


def stored_epochs(folder: ExperimentFolder) -> Epochs:
    return {trial.name: trial.read_epochs() for trial in folder.trials()}


def wait_until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not so within {seconds} seconds"
        time.sleep(0.05)


@contextmanager
def meanwhile(step: Callable[[], bool]) -> Generator[None]:
    """Call ``step`` again and again in a thread, until it is true or the block is over."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set() and not step():
            over.wait(0.05)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
