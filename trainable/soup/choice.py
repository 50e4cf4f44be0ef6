"""Which weights are worth averaging, and is their mean better than the best alone?

A greedy soup (Wortsman et al. 2022): trials are tried best first, and each stays that raises the
score of the mixture. Ingredients are numbers here, 0 the best of all, which is in every mixture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from trainable.comparison import Difference, paired_difference
from trainable.labels import decode
from trainable.metric_names import main_score
from trainable.metrics import scores
from trainable.resampling import Classes

Mixture = frozenset[int]
"""The numbers of the trials whose weights are averaged."""
BEST: Mixture = frozenset({0})


class Answering(Protocol):
    """What predicts with mixtures."""

    def answers(self, mixture: Mixture) -> Classes:
        """Return the classes (N,) that a mixture predicts out-of-fold."""
        ...


@dataclass(frozen=True)
class Judge:
    """Knows the true classes (N,) of images, whose they are (N,), and which tasks are answered."""

    labels: Classes
    persons: NDArray[Any]
    tasks: Sequence[str]

    def score(self, answers: Classes, rows: NDArray[Any] | None = None) -> float:
        """Return the score of predicted classes (N,), over some rows or all."""
        counted = np.arange(len(self.labels)) if rows is None else rows
        return main_score(scores(self.labels[counted], answers[counted], self.tasks))

    def difference(self, second: Classes, first: Classes) -> Difference:
        """Return how much better the second answers (N,) are, and how sure that is."""
        return paired_difference(self.labels, self.persons, [second], [first], self.tasks)

    def halves(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Return rows to choose on and rows to judge on, both ways; persons are whole."""
        traits = decode(self.labels)
        strata = traits["gender"] * 3 + traits["age"]
        splitter = StratifiedGroupKFold(2, shuffle=True, random_state=0)
        return list(splitter.split(strata, strata, self.persons))


@dataclass(frozen=True)
class Tried:
    """A mixture with one more trial ``added``, its score, and the one it had to exceed."""

    added: int
    score: float
    before: float

    @property
    def is_kept(self) -> bool:
        """Whether the trial stays in the mixture."""
        return self.score > self.before


def greedy_mixture(
    known: Answering,
    judge: Judge,
    order: Sequence[int],
    rows: NDArray[Any] | None = None,
    tell: Callable[[Tried], None] = lambda tried: None,
) -> Mixture:
    """Return the best trial with those of ``order`` that each raised the score over some rows."""
    mixture, before = BEST, judge.score(known.answers(BEST), rows)
    for added in order:
        tried = Tried(added, judge.score(known.answers(mixture | {added}), rows), before)
        tell(tried)
        if tried.is_kept:
            mixture, before = mixture | {added}, tried.score
    return mixture


def judged_on_others(known: Answering, judge: Judge, count: int) -> Difference:
    """Return how much better mixtures are than the best trial, on persons that chose none of them.

    Each half of the persons is answered by the mixture of ``count`` trials that the other half
    chose, which also says in which order they are tried. The best trial is the same in both: it
    was chosen on all persons, so that luck of its own counts against the mixtures.
    """
    crossed = known.answers(BEST).copy()
    for choosing, judging in judge.halves():
        alone = {i: judge.score(known.answers(frozenset({i})), choosing) for i in range(1, count)}
        order = sorted(alone, key=lambda i: alone[i], reverse=True)
        mixture = greedy_mixture(known, judge, order, choosing)
        crossed[judging] = known.answers(mixture)[judging]
    return judge.difference(crossed, known.answers(BEST))
