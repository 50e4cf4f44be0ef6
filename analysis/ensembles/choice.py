"""Which method should answer? The simplest that is not clearly worse than the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.ensembles.combining import FITTED, METHODS, Method
from analysis.ensembles.evidence import Classes, Evidence
from analysis.ensembles.nested import Rule, nested_answers
from trainable.comparison import Difference, difference_of, interval
from trainable.metrics import macro_f1
from trainable.resampling import resampled_scores


@dataclass(frozen=True)
class Compared:
    """A method with or without a decision rule, on persons that it was not fitted to.

    ``score`` is the macro-F1 of the nested ``answers`` (N,), ``low`` and ``high`` its 95 % interval
    and ``behind`` its difference to the best one, both from resampling persons.
    """

    method: Method
    rule: Rule
    answers: Classes
    score: float
    low: float
    high: float
    behind: Difference

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.method} + rule" if self.rule else self.method

    @property
    def is_clearly_worse(self) -> bool:
        """Whether the whole interval of the difference to the best lies below 0."""
        return self.behind.high < 0


def compare(
    known: Evidence, top: int, methods: Sequence[Method], rules: Sequence[Rule]
) -> list[Compared]:
    """Score methods with and without a rule, nested by person, the simplest first."""
    found = {method: nested_answers(method, known, top, rules) for method in methods}
    pairs: list[tuple[Method, Rule]] = [(method, rule) for method in methods for rule in rules]
    pairs.sort(key=_simplicity)
    answers = [found[method][rule] for method, rule in pairs]
    values = [macro_f1(known.labels, given) for given in answers]
    resampled = resampled_scores(known.labels, known.persons, answers)
    best = int(np.argmax(values))
    return [
        Compared(
            method,
            rule,
            answers[i],
            values[i],
            *interval(resampled[:, i]),
            behind=difference_of(
                values[i] - values[best], resampled[:, i : i + 1], resampled[:, best : best + 1]
            ),
        )
        for i, (method, rule) in enumerate(pairs)
    ]


def simplest(compared: Sequence[Compared]) -> Compared:
    """Return the first that is not clearly worse than the best."""
    return next(one for one in compared if not one.is_clearly_worse)


def _simplicity(pair: tuple[Method, Rule]) -> tuple[bool, Rule, int]:
    """Order by what is fitted: nothing, a rule alone, weights, weights and a rule."""
    method, rule = pair
    return method in FITTED, rule, list(METHODS).index(method)
