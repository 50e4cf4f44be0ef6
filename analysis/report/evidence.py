"""What is there to report of? An experiment's trials, and what the best of them predicted."""

import functools
import itertools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.answers import Answers, read_answers, resampled_answers
from analysis.commands import RUNS
from analysis.predictions import read_validation
from analysis.results import Experiment, Trial, load_experiment
from analysis.shrinkage import Shrunken, shrunken_trials
from search_spaces.stored import Stored, stored_domains
from trainable.comparison import Difference, difference_of, interval
from trainable.locations import Location
from trainable.records import ExperimentRecord
from trainable.resampling import Scores
from trainable.settings import UserError

COMPARED = 20
"""Of so many best trials the answers are compared in pairs."""


@dataclass(frozen=True)
class Standing:
    """Where a trial's score may lie, and how it compares with the best one's on the same draws.

    ``leads`` is the share of draws of persons in which it is the best of all that were compared.
    """

    low: float
    high: float
    leads: float
    behind: Difference

    @property
    def may_be_best(self) -> bool:
        """Say whether its distance to the best may be chance."""
        return self.behind.high >= 0


@dataclass(frozen=True)
class Judged:
    """What a trial predicted: ``images`` (N rows) by persons it had not seen, and (N, 18)."""

    trial: Trial
    images: pd.DataFrame
    probabilities: NDArray[np.float64]

    @functools.cached_property
    def classes(self) -> NDArray[np.int64]:
        """The class (N,) it answers for each image."""
        return self.probabilities.argmax(axis=1)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The true class (N,) of each image."""
        return self.images["label"].to_numpy()


@dataclass(frozen=True)
class Evidence:
    """An experiment, read: ``scored`` has the trials with a score that did not fail, best first."""

    experiment: Experiment
    record: ExperimentRecord
    scored: Sequence[Trial]

    @property
    def best(self) -> Trial | None:
        """The best trial so far; None before the first epoch."""
        return self.scored[0] if self.scored else None

    @property
    def score_name(self) -> str:
        """What trials are ranked by."""
        best = self.best and self.best.best
        return best.score_name if best else "macro-F1"

    @property
    def is_running(self) -> bool:
        """Say whether a trial has not ended."""
        return any(trial.results.outcome.status == "running" for trial in self.experiment.trials)

    @property
    def named(self) -> Mapping[str, str]:
        """What commands must be told to find the experiment, if anything, quoted for a shell."""
        folder = self.experiment.folder.path
        runs = folder.parent
        found = {} if runs.resolve() == Path(RUNS).resolve() else {"runs": shlex.quote(str(runs))}
        return found if self.experiment.folder.is_latest else {**found, "experiment": folder.name}

    @property
    def options(self) -> str:
        """The same as options of an analysis command, after a space."""
        return "".join(f" --{name} {value}" for name, value in self.named.items())

    @functools.cached_property
    def images(self) -> pd.DataFrame:
        """The training images, indexed by row."""
        return self.experiment.folder.read_images()

    @functools.cached_property
    def space(self) -> Stored:
        """What could be tried; empty where the record of it cannot be read."""
        try:
            return stored_domains(self.record.space)
        except UserError:
            return {}

    @functools.cached_property
    def answers(self) -> Mapping[str, Answers]:
        """Trial -> what it answered out-of-fold, best first; those of ``unknown`` are left out."""
        return {name: one for name, one in self._read.items() if isinstance(one, Answers)}

    @functools.cached_property
    def unknown(self) -> Mapping[str, UserError]:
        """Trial -> why its stored answers cannot be used."""
        return {name: one for name, one in self._read.items() if isinstance(one, UserError)}

    @functools.cached_property
    def judged(self) -> "Judged | None":
        """What the best trial predicted; None where that is not known."""
        if self.best is None or self.best.name not in self.answers:
            return None
        found = read_validation([self.best], self.images)
        return Judged(self.best, self.images.loc[found.rows], found.stack[0])

    @functools.cached_property
    def standings(self) -> Mapping[str, Standing]:
        """Trial -> how sure its score is, of the best ones that answered what the best did."""
        if not self.best or self.best.name not in self.answers:
            return {}
        key = self.answers[self.best.name].key
        known = {name: one for name, one in self.answers.items() if one.key == key}
        compared = dict(itertools.islice(known.items(), COMPARED))
        drawn = resampled_answers(list(compared.values()), self.images)
        return self._standings(list(compared), drawn)

    @functools.cached_property
    def shrunken(self) -> Mapping[str, Shrunken]:
        """Trial -> its score without what it owes to having been chosen by it, of finished ones."""
        known = [trial for trial in self.experiment.trials if trial.name in self.answers]
        return shrunken_trials(replace(self.experiment, trials=known)) if known else {}

    @functools.cached_property
    def _read(self) -> Mapping[str, Answers | UserError]:
        return {trial.name: self._answers_of(trial) for trial in self.scored}

    def _answers_of(self, trial: Trial) -> Answers | UserError:
        try:
            return read_answers(trial, self.images)
        except UserError as error:
            return error

    def _standings(self, names: Sequence[str], drawn: Scores) -> dict[str, Standing]:
        scores = {trial.name: trial.best.score for trial in self.scored if trial.best}
        ahead = np.bincount(drawn.argmax(axis=1), minlength=len(names)) / len(drawn)
        return {
            name: Standing(
                *interval(drawn[:, column]),
                float(ahead[column]),
                difference_of(scores[name] - scores[names[0]], drawn[:, [column]], drawn[:, [0]]),
            )
            for column, name in enumerate(names)
        }


def read_evidence(runs: Location, name: str) -> Evidence:
    """Read an experiment; UserError where there is none."""
    experiment = load_experiment(runs, name)
    scored = [trial for trial in experiment.trials if trial.best and not trial.has_failed]
    return Evidence(experiment, experiment.folder.read_record(), scored)
