"""How do these tests disturb a search, and what must be true of it all the same?"""

import math
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from searches import Epochs, Searched, meanwhile, run_search, stored_epochs

from orchestrator.journal import Broke, Event, Journal, NodeChanged
from trainable.config import TrialConfig
from trainable.fitting import Fit
from trainable.store import ExperimentFolder

NAME = "disturbed"
MOST_EPOCHS = 60
LONG = f"train.epochs={MOST_EPOCHS}"
"""Makes a search so long that a machine which joins has started a process before it is over."""
ROOT = Path(__file__).parents[3]
Disturb = Callable[[ExperimentFolder], bool]
"""Is called again and again while a search runs, until it has done what it wanted."""


class Undisturbed:
    """Trials of so many rates, as they come out where nothing ever happens to them."""

    def __init__(self, base: TrialConfig, rates: Sequence[float]) -> None:
        self.rates = rates
        self._fits = {rate: Fit(base.with_values({"optim.lr": rate})) for rate in rates}
        self._known: dict[float, list[Mapping[str, float]]] = {rate: [] for rate in rates}

    def metrics(self, rate: float, epochs: int) -> Sequence[Mapping[str, float]]:
        """Return the metrics of the first epochs of a rate, as many as are asked for."""
        known = self._known[rate]
        while len(known) < epochs:
            known.append(self._fits[rate].step().metrics)
        return known[:epochs]


@dataclass(frozen=True)
class Disturbed:
    """A search that is over, and the epochs that were stored when it was disturbed."""

    search: Searched
    before: Epochs

    @property
    def events(self) -> Sequence[Event]:
        return Journal(self.search.folder.journal).so_far()

    @property
    def breaks(self) -> Sequence[Broke]:
        return [event for event in self.events if isinstance(event, Broke)]

    @property
    def changes(self) -> Sequence[NodeChanged]:
        return [event for event in self.events if isinstance(event, NodeChanged)]

    def must_be_as(self, undisturbed: Undisturbed, *, is_whole: bool = True) -> None:
        """See that trials have the scores that they have where nothing happens.

        Where the search is ``is_whole`` every trial was trained to its end.
        """
        assert self.search.code == 0, self.search.printed
        trials = self.search.trials.values()
        rates = {float(trial.record.values["optim.lr"]) for trial in trials}
        assert len(rates) == len(trials) == len(undisturbed.rates)
        for trial in trials:
            found = [epoch.metrics for epoch in trial.epochs]
            rate, whole = float(trial.record.values["optim.lr"]), trial.record.config.train.epochs
            assert found == undisturbed.metrics(rate, whole if is_whole else len(found))
            assert not is_whole or trial.outcome.status == "completed"

    def must_have_lost_nothing(self) -> None:
        """See that no epoch which was stored before was trained again: even its seconds are."""
        assert self.before, f"nothing was done to it: {self.search.printed}"
        for name, before in self.before.items():
            assert self.search.trials[name].epochs[: len(before)] == before


def with_words(words: Sequence[str], *more: str) -> list[str]:
    """Return words of which some are replaced."""
    typed = {word.partition("=")[0] for word in more}
    return [*(word for word in words if word.partition("=")[0] not in typed), *more]


def disturbed_search(words: Sequence[str], runs: Path, disturb: Disturb) -> Disturbed:
    """Search in this process while ``disturb`` is called; what is stored then is kept."""
    folder, before = ExperimentFolder(runs / NAME), {}

    def step() -> bool:
        if not folder.trials() or not disturb(folder):
            return False
        before.update(stored_epochs(folder))
        return True

    with meanwhile(step):
        found = run_search([*words, f"search.name={NAME}", f"search.runs={runs}"])
    return Disturbed(found, before)


def driver(
    words: Sequence[str], runs: Path, *, inside: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """Start a search in a process of its own."""
    command = [sys.executable, "-m", "orchestrator.search", *words]
    where = [f"search.name={NAME}", f"search.runs={runs}"]
    return subprocess.Popen(
        [*inside, *command, *where],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stored_search(folder: ExperimentFolder, code: int, printed: str) -> Searched:
    """Return a search that was run in another process."""
    trials = {trial.name: trial.read() for trial in folder.trials()}
    return Searched(folder, code, printed, math.nan, trials)


def trials_in_the_middle(folder: ExperimentFolder, epochs: int = 3) -> Mapping[str, int]:
    """Return the trials that have stored so many epochs and run, with their processes."""
    return {
        trial.name: trial.read().record.machine.process
        for trial in folder.trials()
        if len(trial.read_epochs()) >= epochs and trial.has_state()
    }
