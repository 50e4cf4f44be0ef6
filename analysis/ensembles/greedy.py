"""Which trials, taken how often, score best together? Greedy selection with replacement.

Caruana et al. 2004 (https://doi.org/10.1145/1015330.1015432): starting from nothing, take again and
again the trial whose probabilities raise the macro-F1 of the sum the most. A straightforward
implementation calls a metric for each candidate of each round. This one takes the same picks, but
sorts the images by class and the arrays class by class: then a candidate costs a sum, a maximum and
counts of whole rows, with neither argmax nor a sorting of labels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.evidence import Classes

Floats = NDArray[np.floating[Any]]
ROUNDS = 50


def greedy_weights(stack: Floats, labels: Classes, rounds: int = ROUNDS) -> NDArray[np.float64]:
    """Return each trial's share (M,) of the best selection of up to ``rounds`` picks.

    ``stack`` (M, N, C) holds probabilities of any number C of classes.
    """
    picks, scores = greedy_picks(stack, labels, rounds)
    best = int(np.argmax(scores)) + 1
    return np.bincount(picks[:best], minlength=len(stack)) / best


def greedy_picks(
    stack: Floats, labels: Classes, rounds: int = ROUNDS
) -> tuple[list[int], list[float]]:
    """Return the trial picked in each round and the macro-F1 after it; of equals the first wins."""
    by_class, counts = _by_class(stack, labels)
    total = np.zeros_like(by_class[0])
    picks: list[int] = []
    scores: list[float] = []
    for _ in range(rounds):
        found = _candidate_scores(total, by_class, counts)
        picks.append(int(np.argmax(found)))
        scores.append(float(found[picks[-1]]))
        total += by_class[picks[-1]]
    return picks, scores


def scores_alone(stack: Floats, labels: Classes) -> NDArray[np.float64]:
    """Return the macro-F1 (M,) of each of ``stack`` (M, N, C)."""
    by_class, counts = _by_class(stack, labels)
    nothing = np.zeros(by_class.shape[1:], by_class.dtype)  # of no trials there is no first one
    return _candidate_scores(nothing, by_class, counts)


def _by_class(stack: Floats, labels: Classes) -> tuple[Floats, Classes]:
    """Return (M, C, N), the images sorted by class, and how many each class (C,) has."""
    order = np.argsort(labels, kind="stable")
    by_class = np.empty((len(stack), stack.shape[2], stack.shape[1]), stack.dtype)
    for placed, one in zip(by_class, stack, strict=True):  # one after the other: five times as fast
        placed[:] = one[order].T
    return by_class, np.bincount(labels, minlength=stack.shape[2])


def _candidate_scores(total: Floats, stack: Floats, counts: Classes) -> NDArray[np.float64]:
    """Return the macro-F1 (M,) of ``total`` (C, N) plus each of ``stack`` (M, C, N)."""
    ends = np.cumsum(counts)
    hits, chosen = np.empty((2, len(stack), len(counts)))
    mixed, highest = np.empty_like(total), np.empty_like(total[0])
    largest = np.empty(total.shape, np.bool_)
    for candidate, one in enumerate(stack):
        np.add(total, one, out=mixed)
        np.equal(mixed, mixed.max(axis=0, out=highest), out=largest)
        _keep_first(largest)
        for k, (row, end) in enumerate(zip(largest, ends, strict=True)):
            chosen[candidate, k] = np.count_nonzero(row)
            hits[candidate, k] = np.count_nonzero(row[end - counts[k] : end])
    f1 = 2 * hits / np.maximum(counts + chosen, 1)
    return f1[:, counts > 0].mean(axis=1)


def _keep_first(largest: NDArray[np.bool_]) -> None:
    """Leave of several marks in a column of (C, N) the first: of equal classes it wins."""
    if np.count_nonzero(largest) > largest.shape[1]:
        tied = np.flatnonzero(largest.sum(axis=0, dtype=np.uint16) > 1)
        largest[:, tied] &= np.cumsum(largest[:, tied], axis=0) == 1
