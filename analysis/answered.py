"""What does an ensemble answer for the eval images, and what is to be said about it?"""

from dataclasses import dataclass

from analysis.ensemble_table import MOST_LISTED
from analysis.ensembles.built import Built
from analysis.ensembles.decision import Floats, decide, rule_sentence
from analysis.ensembles.evidence import Classes, Stack
from analysis.ensembles.expected import expected_interval
from analysis.grouping.eval_persons import Grouped, grouped
from analysis.ledger import Estimate
from analysis.shift.shift import Correct, Shift, shift_of


@dataclass(frozen=True)
class Answered:
    """The class (N,) of each eval image, the macro-F1 that is expected of them, and what was tried.

    What is expected was measured without corrected shares and without persons put together.
    ``grouped`` is None where nobody asked for persons to be found.
    """

    built: Built
    classes: Classes
    expected: Estimate
    shift: Shift
    grouped: Grouped | None

    @property
    def sentences(self) -> list[str]:
        """What a table cannot say: how sure the score is, why this method, which rule."""
        expected = self.expected
        return [
            "Methods and the ensemble are scored on persons that they were not fitted to.",
            f"expected on the {len(self.classes)} eval images: macro-F1 {expected.value:.3f}, with "
            f"95 % from {expected.low:.3f} to {expected.high:.3f}"
            f"{', measured without what is corrected below' if self._is_changed else ''}",
            *_why(self.built),
            *self.shift.sentences,
            *_rule(self.shift.added),
            *([self.grouped.sentence] if self.grouped else []),
        ]

    @property
    def _is_changed(self) -> bool:
        return bool(self.shift.corrected) or bool(self.grouped and self.grouped.is_applied)


def answer(built: Built, stack: Stack, correct: Correct, *, group_eval: bool) -> Answered:
    """Answer the eval images from the trials' probabilities (M, N, 18) for them."""
    joint = built.ensemble.combination(stack)
    persons = grouped(built, joint) if group_eval else None
    joint = persons.joint if persons else joint
    shift = shift_of(built, joint, correct)
    return Answered(built, decide(joint, shift.added), _expected(built, len(joint)), shift, persons)


def listed_members(built: Built) -> str:
    """Return the names of the members, those that count most first, and how many are left out."""
    names = list(built.members)
    shown = ", ".join(names[:MOST_LISTED])
    return shown + (f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else "")


def _expected(built: Built, images: int) -> Estimate:
    known, chosen = built.known, built.chosen
    low, high = expected_interval(known.labels, known.persons, chosen.answers, images)
    return Estimate(value=chosen.score, low=low, high=high)


def _why(built: Built) -> list[str]:
    chosen, best = built.chosen, max(built.compared, key=lambda one: one.score)
    if best is chosen:
        return []
    behind = chosen.behind
    return [
        f"{chosen.name} is the simplest that is not clearly worse than {best.name} "
        f"({behind.value:+.3f}, {behind.low:+.3f} to {behind.high:+.3f})"
    ]


def _rule(added: Floats) -> list[str]:
    """Tell the rule that was applied, corrected or not."""
    return [f"decision rule, added to logarithms: {rule_sentence(added)}"] if added.any() else []
