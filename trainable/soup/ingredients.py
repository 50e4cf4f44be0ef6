"""Which stored trials have weights that can be averaged with each other's?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainable.arrays import Probabilities
from trainable.config import TrialConfig
from trainable.records import EpochRecord, TrialRecord, rank
from trainable.resampling import Classes
from trainable.settings import UserError, setting_paths
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder
from trainable.trial_folder import TrialFolder

ALIKE = (
    *("model.backbone", "model.heads", "model.age_head", "model.hidden", "cv."),
    *("data.image_", "data.crop", "data.face_", "data.normalization"),
)
"""Beginnings of the settings that must be equal: the layers, what they see, who trained them."""


@dataclass(frozen=True)
class Ingredient:
    """A trial that may be mixed: what it is, its best epoch, and what it predicted out-of-fold."""

    folder: TrialFolder
    record: TrialRecord
    best: EpochRecord
    validation: Probabilities

    @property
    def answers(self) -> Classes:
        """The predicted classes (N,) in the order of the rows."""
        return answers_of(self.validation)


def answers_of(validation: Probabilities) -> Classes:
    """Return the predicted classes (N,) in the order of the rows."""
    return validation.values.argmax(axis=1)[np.argsort(validation.rows)]


def find_ingredients(
    experiment: ExperimentFolder, names: Sequence[str]
) -> tuple[list[Ingredient], list[str]]:
    """Return the trials that can be mixed, the best first, and a sentence for each other one.

    They are the trials called ``names``, or without names all that can be mixed with the best.
    UserError where one of those that were named cannot be mixed, or fewer than two can.
    """
    if len(set(names)) < len(names):
        raise UserError(f"trials={','.join(names)}: name each trial once")
    chosen = [experiment.existing_trial(name) for name in names] or experiment.trials()
    found: list[Ingredient] = []
    notes: list[str] = []
    for folder in chosen:
        one = _ingredient(folder)
        if isinstance(one, Ingredient):
            found.append(one)
        else:
            notes.append(one)
    found.sort(key=lambda one: rank(one.best), reverse=True)
    alike = [one for one in found if not _why_apart(found[0], one)]
    notes += [_why_apart(found[0], one) for one in found if one not in alike]
    if names and notes:
        raise UserError(notes[0])
    if len(alike) < 2:
        raise UserError(_too_few(experiment, alike, notes))
    return alike, notes


def _ingredient(folder: TrialFolder) -> Ingredient | str:
    """Return a trial that can be mixed, or why it cannot."""
    try:
        results = folder.read()
        if results.record.mixed_from:
            return f"{folder.name} is a mixture itself"
        if results.outcome.status not in ("completed", "stopped") or not results.best:
            return f"{folder.name} is {results.outcome.status} and has no final score"
        if not folder.has_weights():
            return f"{folder.name} keeps no weights (search.keep= keeps those of the best)"
        validation = folder.read_validation()
    except UnreadableFileError as error:
        return str(error)
    return Ingredient(folder, results.record, results.best, validation)


def _why_apart(best: Ingredient, other: Ingredient) -> str:
    """Return why two trials cannot be mixed; empty where they can."""
    ours, theirs = _kind(best.record.config), _kind(other.record.config)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            return (
                f"{other.folder.name} cannot be mixed with {best.folder.name}: {name} is "
                f"{theirs.get(name, 'not there')}, not {ours.get(name, 'there')}"
            )
    if not np.array_equal(np.sort(best.validation.rows), np.sort(other.validation.rows)):
        return f"{other.folder.name} was scored on other images than {best.folder.name}"
    return ""


def _kind(config: TrialConfig) -> Mapping[str, object]:
    """Return the settings that must be equal, of each network by its name."""
    paths = [path for path in setting_paths(TrialConfig) if path.startswith(ALIKE)]
    return {
        f"{member}: {path}".removeprefix(": "): own.value(path)
        for member, own in config.member_configs().items()
        for path in paths
    }


def _too_few(
    experiment: ExperimentFolder, alike: Sequence[Ingredient], notes: Sequence[str]
) -> str:
    alone = f"only {alike[0].folder.name}" if alike else "no trial"
    why = f" ({notes[0]})" if notes else ""
    return f"a soup takes two trials, and {experiment.name} has {alone} that can be mixed{why}"
