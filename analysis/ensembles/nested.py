"""What is a method worth on persons that it was not fitted to? Cross-validation by person."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from analysis.ensembles.combining import Combination, Method, fit_method
from analysis.ensembles.decision import NO_RULE, Floats, decide, fitted_rule
from analysis.ensembles.evidence import Classes, Evidence, Joint, Stack
from trainable.labels import decode
from trainable.settings import UserError

PARTS = 5
"""Parts of the persons; each is answered by what was fitted to the others."""
Rule = bool
"""Whether a decision rule is fitted to what the method answers."""


@dataclass(frozen=True)
class Ensemble:
    """A method and its decision rule, fitted: ``added`` (18,) are zeros where there is none."""

    method: Method
    combination: Combination
    added: Floats

    def answers(self, stack: Stack) -> Classes:
        """Return the class (N,) of each image from the probabilities (M, N, 18) of all trials."""
        return decide(self.combination(stack), self.added)


def fit_ensembles(
    method: Method, known: Evidence, top: int, rules: Sequence[Rule]
) -> dict[Rule, Ensemble]:
    """Fit a method once, and with it each decision rule that is asked for."""
    combination = fit_method(method, known, top)
    joint = combination(known.stack)
    return {
        rule: Ensemble(method, combination, fitted_rule(joint, known.labels) if rule else NO_RULE)
        for rule in rules
    }


def nested_answers(
    method: Method, known: Evidence, top: int, rules: Sequence[Rule]
) -> Mapping[Rule, Classes]:
    """Return for each rule the class (N,) of every image by an ensemble that knew not its person.

    Choosing the best trials, weighing them and fitting the rule are all done without the person.
    What is not: each trial's best epoch, and which trials of the search keep eval probabilities,
    were chosen on all persons before (the store keeps no others).
    """
    found = {rule: np.zeros(len(known.labels), np.int64) for rule in rules}
    for rest, part in parts(known):
        fitted = fit_ensembles(method, known.of_images(rest), top, rules)
        for rule, ensemble in fitted.items():
            found[rule][part] = ensemble.answers(known.stack[:, part])
    return found


def nested_joint(method: Method, known: Evidence, top: int) -> Joint:
    """Return probabilities (N, 18) by a method that was fitted without the person of each image."""
    joint = np.zeros(known.stack.shape[1:])
    for rest, part in parts(known):
        combination = fit_method(method, known.of_images(rest), top)
        joint[part] = combination(known.stack[:, part])
    return joint


def parts(known: Evidence) -> list[tuple[Classes, Classes]]:
    """Split images into all but a part and the part, persons whole, gender and age stratified."""
    people = len(np.unique(known.persons))
    if people < PARTS:
        raise UserError(
            f"{people} persons were predicted out-of-fold: an ensemble is scored on "
            f"{PARTS} parts of them; use more data, or more folds (cv.folds=5)"
        )
    traits = decode(known.labels)
    strata = traits["gender"] * 3 + traits["age"]
    splitter = StratifiedGroupKFold(PARTS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        # Of a rare kind of person there are fewer than parts, and it stands in some of them only.
        warnings.filterwarnings("ignore", message="The least populated class")
        found = list(splitter.split(strata, strata, known.persons))
    return [(rest, part) for rest, part in found if len(part)]  # few persons may leave one empty
