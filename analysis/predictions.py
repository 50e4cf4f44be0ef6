"""What did trials predict? Their stored probabilities, checked to be of the same images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.results import Trial
from trainable.arrays import Probabilities
from trainable.labels import CLASS_COUNT
from trainable.settings import UserError


@dataclass(frozen=True)
class Predictions:
    """What M trials say of the same images: ``rows`` (N,) ascending, ``stack`` (M, N, 18).

    ``note`` says where some of them also scored other images.
    """

    rows: NDArray[np.int32]
    stack: NDArray[np.float32]
    note: str = ""


def read_validation(trials: Sequence[Trial], images: pd.DataFrame) -> Predictions:
    """Return the out-of-fold probabilities of ``trials`` in the order of the table ``images``.

    Trials that were scored over more folds than others are cut to the images of these. Raises
    UserError where two trials scored different images, or an array does not fit the table.
    """
    found = [_in_order(trial.folder.read_validation(), trial, images) for trial in trials]
    fewest = min(range(len(found)), key=lambda i: len(found[i].rows))
    rows = found[fewest].rows
    for trial, other in zip(trials, found, strict=True):
        if not np.isin(rows, other.rows).all():
            persons = [images.loc[scored, "person"] for scored in (rows, other.rows)]
            raise UserError(_different_persons((trials[fewest].name, trial.name), persons))
    note = ""
    if any(len(one.rows) > len(rows) for one in found):
        note = (
            f"scored on the {len(rows)} images that {trials[fewest].name} predicted: others were "
            "trained on more folds and predicted more"
        )
    return replace(_together([_cut(one, rows) for one in found]), note=note)


def read_eval(
    trials: Sequence[Trial], eval_images: pd.DataFrame, *, final: bool = False
) -> Predictions:
    """Return the probabilities of all eval images; UserError where a trial left some out.

    With ``final``, those of its training on all persons.
    """
    folders = [trial.folder for trial in trials]
    stored = [folder.read_final() if final else folder.read_eval() for folder in folders]
    found = [_in_order(one, trial, eval_images) for one, trial in zip(stored, trials, strict=True)]
    for trial, other in zip(trials, found, strict=True):
        if len(other.rows) < len(eval_images):
            raise UserError(
                f"{trial.name} predicted {len(other.rows)} of the {len(eval_images)} eval images; "
                f"predict again with: python -m trainable.predict trial={trial.folder.path}"
            )
    return _together(found)


def _in_order(found: Probabilities, trial: Trial, images: pd.DataFrame) -> Probabilities:
    if not _fits(found, images):
        raise UserError(
            f"probabilities in {trial.folder.path} do not fit the {len(images)} images of the "
            f"experiment: rows {found.rows.shape}, values {found.values.shape}, or not numbers"
        )
    order = np.argsort(found.rows)
    return Probabilities(rows=found.rows[order], values=found.values[order])


def _fits(found: Probabilities, images: pd.DataFrame) -> bool:
    return (
        found.rows.size > 0
        and found.values.shape == (*found.rows.shape, CLASS_COUNT)
        and bool(np.isfinite(found.values).all())
        and bool(np.isin(found.rows, images.index).all())
        and len(np.unique(found.rows)) == len(found.rows)
    )


def _together(found: Sequence[Probabilities]) -> Predictions:
    stack = np.stack([probabilities.values for probabilities in found])
    return Predictions(rows=found[0].rows, stack=stack.astype(np.float32))


def _cut(found: Probabilities, rows: NDArray[np.int32]) -> Probabilities:
    return Probabilities(rows, found.values[np.isin(found.rows, rows)])


def _different_persons(names: Sequence[str], persons: Sequence["pd.Series[str]"]) -> str:
    first, second = (
        f"{name} scored {len(scored)} images of {scored.nunique()} persons"
        for name, scored in zip(names, persons, strict=True)
    )
    shared = len(set(persons[0]) & set(persons[1]))
    return (
        f"{first}, {second}, {shared} persons in common: trials compare only on the same ones; "
        "give them the same data, cv.seed, cv.folds and cv.validation_share"
    )
