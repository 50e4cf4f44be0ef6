"""Which persons are trained on, and which are predicted, so that nobody is on both sides?"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from trainable.config import CvConfig, TrainConfig
from trainable.labels import MIDDLE_AGE, OLD_AGE, TASK_CLASSES, age_class, encode
from trainable.settings import UserError
from trainable.table import listed

Rows = NDArray[np.integer[Any]]


class LeakError(UserError):
    """A person or an identical image stands on both sides of a split."""


@dataclass(frozen=True)
class Fold:
    """Rows of the image table to train on and to predict."""

    train: Rows
    validation: Rows


def make_folds(images: pd.DataFrame, config: CvConfig) -> list[Fold]:
    """Split persons, stratified by gender and true age class, so by all 18 classes.

    The folds depend on the persons and ``config`` alone, so all trials share them. With
    ``folds=0`` all are trained on, with ``folds=1`` there is one split, else each person is
    predicted exactly once.
    """
    if config.folds == 0:
        return [_fold(images, [])]
    persons = images.drop_duplicates("person").sort_values("person")
    strata = (persons["gender"] * 3 + age_class(persons["age"])).to_numpy()
    _refuse_rare(strata, max(2, config.folds))
    names = persons["person"].to_numpy()
    if config.folds == 1:
        _refuse_small_share(config.validation_share, len(names), len(np.unique(strata)))
        _, held_back = train_test_split(
            names, test_size=config.validation_share, random_state=config.seed, stratify=strata
        )
        return [_fold(images, held_back)]
    splitter = StratifiedKFold(config.folds, shuffle=True, random_state=config.seed)
    return [_fold(images, names[held_back]) for _, held_back in splitter.split(names, strata)]


def training_rows(images: pd.DataFrame, fold: Fold, config: TrainConfig) -> Rows:
    """Return the fold's training rows without the ages that border elimination drops."""
    ages = images["age"].to_numpy()[fold.train]
    dropped = (ages >= MIDDLE_AGE - config.drop_below_30) & (ages < MIDDLE_AGE)
    dropped |= (ages >= OLD_AGE - config.drop_below_60) & (ages < OLD_AGE)
    return fold.train[~dropped]


def training_labels(images: pd.DataFrame, config: TrainConfig) -> NDArray[np.int64]:
    """Return the class that each image is trained as: the true one but for the age cut-off."""
    return encode(images["mask"], images["gender"], age_class(images["age"], config.age_cutoff))


def check_leaks(images: pd.DataFrame, digests: NDArray[np.bytes_], folds: list[Fold]) -> None:
    """Raise LeakError where a fold has a person, or an identical image, on both sides."""
    names = images["image"].to_numpy()
    for fold in folds:
        for kind, keys in (("person", images["person"].to_numpy()), ("image", digests)):
            shared = np.intersect1d(keys[fold.train], keys[fold.validation])
            if len(shared):
                rows = np.flatnonzero(np.isin(keys, shared))
                raise LeakError(
                    f"the same {kind} is in training and validation: {listed(names[rows])}; "
                    "give both to one person in train.csv, or remove one"
                )


def _fold(images: pd.DataFrame, held_back: Any) -> Fold:
    is_validation = images["person"].isin(held_back).to_numpy()
    return Fold(np.flatnonzero(~is_validation), np.flatnonzero(is_validation))


def _refuse_small_share(share: float, persons: int, needed: int) -> None:
    held_back = math.ceil(share * persons)
    if held_back < needed:
        raise UserError(
            f"cv.validation_share={share:g} holds back {held_back} of {persons} persons; it takes "
            f"{needed} to have one of each gender and age class: raise it"
        )


def _refuse_rare(strata: NDArray[np.int64], needed: int) -> None:
    found, counts = np.unique(strata, return_counts=True)
    for stratum, count in zip(found, counts, strict=True):
        if count < needed:
            gender, age = TASK_CLASSES["gender"][stratum // 3], TASK_CLASSES["age"][stratum % 3]
            raise UserError(
                f"the data have {count} person(s) that are {gender} and {age}; "
                f"this split needs {needed}: lower cv.folds or add persons"
            )
