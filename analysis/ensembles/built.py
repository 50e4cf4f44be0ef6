"""Which ensemble do these trials make? Compared, chosen, and fitted to all that is known."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.ensembles.choice import Compared, compare, simplest
from analysis.ensembles.combining import METHODS, Method
from analysis.ensembles.evidence import Evidence, Joint
from analysis.ensembles.nested import Ensemble, Rule, fit_ensembles, nested_joint
from analysis.predictions import Predictions, read_validation
from analysis.results import Trial
from trainable.labels import TASKS
from trainable.settings import UserError
from trainable.store import ExperimentFolder


@dataclass(frozen=True)
class Ask:
    """What is asked for: how many of the best vote, and which methods and rules are compared."""

    top: int
    methods: Sequence[Method] = tuple(METHODS)
    rules: Sequence[Rule] = (False, True)


@dataclass(frozen=True)
class Built:
    """The ensemble, what it was chosen from, and the evidence.

    ``known`` is of all ``trials`` that could take part, for the ``rows`` (N,) of the image table;
    ``top`` of them vote where nothing is fitted; ``note`` says where it was cut to fewer images.
    """

    trials: Sequence[Trial]
    rows: NDArray[np.int32]
    known: Evidence
    compared: Sequence[Compared]
    chosen: Compared
    ensemble: Ensemble
    top: int
    note: str

    @functools.cached_property
    def joint(self) -> Joint:
        """Out-of-fold probabilities (N, 18) of the method, fitted without each image's person."""
        return nested_joint(self.chosen.method, self.known, self.top)

    @property
    def members(self) -> dict[str, float]:
        """The names of the trials that count, and how much, most first."""
        shares = self.ensemble.combination.shares
        pairs = [(trial.name, float(s)) for trial, s in zip(self.trials, shares, strict=True)]
        return dict(sorted(((n, s) for n, s in pairs if s > 0), key=lambda pair: -pair[1]))


def build(folder: ExperimentFolder, trials: Sequence[Trial], ask: Ask) -> Built:
    """Compare what is asked for on the out-of-fold probabilities of ``trials``, and fit the choice.

    Raises UserError where two trials predicted different images, or a task is answered by none.
    """
    images = folder.read_images()
    found = read_validation(trials, images)
    known = _evidence(trials, found, images)
    compared = compare(known, ask.top, ask.methods, ask.rules)
    chosen = simplest(compared)
    [ensemble] = fit_ensembles(chosen.method, known, ask.top, [chosen.rule]).values()
    return Built(trials, found.rows, known, compared, chosen, ensemble, ask.top, found.note)


def _evidence(trials: Sequence[Trial], found: Predictions, images: pd.DataFrame) -> Evidence:
    judged = images.loc[found.rows]
    labels, persons = judged["label"].to_numpy(), judged["person"].to_numpy()
    return Evidence(found.stack, labels, persons, [trial.tasks for trial in trials])


def methods_for(trials: Sequence[Trial], method: Method | None) -> Sequence[Method]:
    """Return the method, or for None all that these trials allow.

    Raises UserError where a task would be left open, or trials for one task would vote on all.
    """
    unanswered = [task for task in TASKS if not any(task in trial.tasks for trial in trials)]
    names = ", ".join(trial.name for trial in trials)
    if unanswered:
        raise UserError(
            f"{names} cannot tell {' and '.join(unanswered)}: they were trained for other tasks; "
            "name trials for every task with --trials a,b,c"
        )
    lone = [trial for trial in trials if trial.tasks != TASKS]
    if lone and method not in (None, "task"):
        raise UserError(
            f"{lone[0].name} answers {' and '.join(lone[0].tasks)} alone: --method {method} asks "
            "each trial for all tasks, --method task only for its own"
        )
    if method:
        return [method]
    return ["task"] if lone else list(METHODS)
