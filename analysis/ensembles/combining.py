"""What makes one answer of several trials? Methods that are fitted to evidence, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.evidence import Evidence, Joint, Stack
from analysis.ensembles.greedy import greedy_weights, scores_alone
from analysis.ensembles.levelling import levelled, levels
from analysis.ensembles.pools import Pool, hard_pool, log_pool, rank_pool, soft_pool
from analysis.ensembles.stacking import fitted_stacking
from analysis.ensembles.weighting import fitted_weights, weighted_log_pool
from trainable.labels import TASKS, decode, join_tasks, task_probabilities

Method = Literal["log", "soft", "hard", "rank", "single", "weighted", "greedy", "task", "stack"]
Floats = NDArray[np.floating[Any]]
MOST_FITTED = 8
"""Best trials that are weighted and stacked: each number to fit costs certainty."""


@dataclass(frozen=True)
class Combination:
    """A fitted method: ``shares`` (M,) say how much each trial counts, 0 for not at all."""

    shares: Floats
    combine: Callable[[Stack], Joint]

    def __call__(self, stack: Stack) -> Joint:
        """Return what the M trials answer together, as probabilities (N, 18)."""
        return self.combine(stack)


Fit = Callable[[Evidence, Sequence[int], int], Combination]
"""Takes the evidence, the positions of trials that answer all tasks, best first, and how many of
these vote where nothing is fitted."""


def fit_method(method: Method, known: Evidence, top: int) -> Combination:
    """Fit a method to evidence; ``top`` is how many of the best trials a vote takes."""
    return METHODS[method](known, best_first(known), top)


def best_first(known: Evidence) -> list[int]:
    """Return the positions of the trials that answer all tasks by their score, best first."""
    whole = [i for i, tasks in enumerate(known.tasks) if tuple(tasks) == TASKS]
    found = scores_alone(known.stack[whole], known.labels)
    return [whole[place] for place in np.argsort(-found, kind="stable")]


def _vote(pool: Pool) -> Fit:
    def fit(known: Evidence, order: Sequence[int], top: int) -> Combination:
        chosen = list(order[:top])

        def combine(stack: Stack) -> Joint:
            return pool(stack[chosen])

        return Combination(_shares(known, chosen, np.ones(len(chosen))), combine)

    return fit


def _levelled(fit: Fit) -> Fit:
    """Bring all trials to one scale before the method, in fitting and in answering."""

    def fit_levelled(known: Evidence, order: Sequence[int], top: int) -> Combination:
        added = levels(known.stack)
        inner = fit(replace(known, stack=levelled(known.stack, added)), order, top)

        def combine(stack: Stack) -> Joint:
            return inner(levelled(stack, added))

        return replace(inner, combine=combine)

    return fit_levelled


def _single(known: Evidence, order: Sequence[int], top: int) -> Combination:
    return _vote(soft_pool)(known, order, 1)


def _weighted(known: Evidence, order: Sequence[int], top: int) -> Combination:
    chosen = list(order[:MOST_FITTED])
    weights = fitted_weights(known.stack[chosen], known.labels)
    return Combination(
        _shares(known, chosen, weights), lambda stack: weighted_log_pool(stack[chosen], weights)
    )


def _stack(known: Evidence, order: Sequence[int], top: int) -> Combination:
    chosen = list(order[:MOST_FITTED])
    combine = fitted_stacking(known.stack[chosen], known.labels)
    return Combination(
        _shares(known, chosen, np.ones(len(chosen))), lambda stack: combine(stack[chosen])
    )


def _greedy(known: Evidence, order: Sequence[int], top: int) -> Combination:
    chosen = sorted(order)
    shares = _shares(known, chosen, greedy_weights(known.stack[chosen], known.labels))
    return Combination(shares, lambda stack: np.tensordot(shares, stack, 1))


def _task(known: Evidence, order: Sequence[int], top: int) -> Combination:
    """Select greedily for each task alone, among all trials that answer it, and join the three."""
    truth = decode(known.labels)
    shares = {task: _greedy_for(task, known, truth[task]) for task in TASKS}

    def combine(stack: Stack) -> Joint:
        return join_tasks(
            {task: np.tensordot(shares[task], _marginals(stack, task), 1) for task in TASKS}
        )

    return Combination(np.mean(list(shares.values()), axis=0), combine)


def _greedy_for(task: str, known: Evidence, labels: NDArray[np.integer[Any]]) -> Floats:
    chosen = [i for i, tasks in enumerate(known.tasks) if task in tasks]
    return _shares(known, chosen, greedy_weights(_marginals(known.stack[chosen], task), labels))


def _marginals(stack: Stack, task: str) -> Stack:
    return np.stack([task_probabilities(one)[task] for one in stack])


def _shares(known: Evidence, chosen: Sequence[int], weights: Floats) -> Floats:
    shares = np.zeros(len(known.stack))
    shares[list(chosen)] = weights / weights.sum()
    return shares


METHODS: Mapping[Method, Fit] = {
    "log": _levelled(_vote(log_pool)),
    "soft": _vote(soft_pool),
    "hard": _vote(hard_pool),
    "rank": _vote(rank_pool),
    "single": _single,
    "weighted": _levelled(_weighted),
    "greedy": _levelled(_greedy),
    "task": _levelled(_task),
    "stack": _stack,
}
"""The simplest first: what fits nothing, then what fits a weight a trial, then more. Of those that
fit nothing, a vote has less noise than one trial, and LOG.md tells why the geometric mean is first.
"""
FITTED: frozenset[Method] = frozenset({"weighted", "greedy", "task", "stack"})
"""Methods that choose or weigh trials by the labels, beyond ranking them."""
