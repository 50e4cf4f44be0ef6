"""How would scores have come out with other persons, and other seeds?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainable.labels import TASKS, decode

Classes = NDArray[np.integer[Any]]
Scores = NDArray[np.float64]
RESAMPLES = 2000


def resampled_scores(
    labels: Classes,
    persons: NDArray[Any],
    answers: Sequence[Classes],
    tasks: Sequence[str] = TASKS,
    resamples: int = RESAMPLES,
    drawn: int | None = None,
) -> Scores:
    """Return (R, M): what M answers would have scored on R draws of persons, the same for all.

    Answers are predicted classes (N,) of the images that have the ``labels`` and ``persons``. Each
    draw takes as many persons as there are, with replacement and with all their images: the
    bootstrap (Efron 1979) with persons as its unit. With ``drawn`` it takes that many, as another
    set of images may have, in other draws. The score is the macro-F1 over the classes that occur in
    a draw; of some ``tasks`` alone, the mean of theirs.
    """
    codes = np.unique(persons, return_inverse=True)[1]
    people = int(codes.max()) + 1
    # The same draws whatever is compared on these persons.
    random = np.random.default_rng(0 if drawn is None else drawn)
    draws = random.multinomial(drawn or people, np.full(people, 1 / people), resamples)
    weights = draws.astype(np.float64)
    by_task = [
        [_macro_f1(weights, codes, *pair) for pair in zip(true, given, strict=True)]
        for true, given in ((_parts(labels, tasks), _parts(answer, tasks)) for answer in answers)
    ]
    return np.mean(by_task, axis=1).T


def mean_over_seeds(scores: Scores, random: np.random.Generator) -> Scores:
    """Return (R,): the means of resampled scores (R, S) of S trainings, when these are drawn too.

    In each resample S of the trainings are drawn with replacement, so that chance in training is
    part of the spread: both levels of the data are resampled (Davison & Hinkley 1997, section 3.8).
    Means of S draws from S spread less than means of new trainings, by (S - 1) / S in variance:
    what they differ by from the mean of all is widened by that (Rao & Wu 1988). One training tells
    nothing of such chance, and none is added.
    """
    count = scores.shape[1]
    middle = scores.mean(axis=1)
    if count == 1:
        return middle
    drawn = np.take_along_axis(scores, random.integers(0, count, scores.shape), axis=1)
    return middle + (drawn.mean(axis=1) - middle) * np.sqrt(count / (count - 1))


def _parts(classes: Classes, tasks: Sequence[str]) -> list[Classes]:
    """Return what is scored: joint classes, or those of each task where not all are answered."""
    if len(tasks) == len(TASKS):
        return [classes]
    decoded = decode(classes)
    return [decoded[task] for task in tasks]


def _macro_f1(weights: Scores, codes: Classes, labels: Classes, predicted: Classes) -> Scores:
    """Return (R,): the macro-F1 where each person, by code, counts ``weights`` (R, P) times."""
    classes = int(max(labels.max(), predicted.max())) + 1
    shape = (weights.shape[1], classes)

    def drawn(of: Classes, counted: NDArray[Any] | None = None) -> Scores:
        each = np.bincount(codes * classes + of, counted, minlength=shape[0] * classes)
        return weights @ each.reshape(shape).astype(np.float64)

    true, guessed, both = drawn(labels), drawn(predicted), drawn(labels, labels == predicted)
    f1 = 2 * both / np.maximum(true + guessed, 1)
    occurs = true > 0
    return (f1 * occurs).sum(axis=1) / occurs.sum(axis=1)
