"""How good is the ensemble beside its members, and beside the other methods? The table's lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.ensembles.built import Built
from analysis.ensembles.evidence import Classes, Stack
from analysis.output import Row
from trainable.metric_names import METRIC_HEADINGS, SCORE
from trainable.metrics import scores

HELD_OUT_METRICS = (SCORE, "accuracy")
HELD_OUT_HEADINGS = {SCORE: "held-out\nF1", "accuracy": "held-out\naccuracy"}
MOST_LISTED = 8
"""Members that are shown of an ensemble of many."""
ENSEMBLE = "ensemble"
"""The name of what is submitted, beside its members."""
Metrics = Mapping[str, float]


@dataclass(frozen=True)
class HeldOut:
    """True classes (N,) of the eval images, and the trials' probabilities (M, N, 18) for them."""

    labels: Classes
    stack: Stack


@dataclass(frozen=True)
class Line:
    """Who answered, by which method (none: a trial alone), and how well.

    Out-of-fold, with the interval of the macro-F1, and on eval images where answers are known.
    """

    name: str
    method: str
    metrics: Metrics
    interval: tuple[float, float] | None = None
    held_out: Metrics = field(default_factory=dict[str, float])

    def data(self) -> Row:
        """Return the line for programs."""
        low, high = self.interval or (None, None)
        known = {name: self.metrics.get(name) for name in METRIC_HEADINGS}
        held_out = {f"held_out_{name}": self.held_out.get(name) for name in HELD_OUT_METRICS}
        return {
            "member": self.name,
            "method": self.method,
            **known,
            "low": low,
            "high": high,
            **held_out,
        }

    def row(self, *, is_known: bool) -> Row:
        """Return the line for people; ``is_known``: whether the eval answers are."""
        low, high = self.interval or (None, None)
        metrics = {heading: self.metrics.get(name) for name, heading in METRIC_HEADINGS.items()}
        score, *others = metrics.items()
        held_out = {heading: self.held_out.get(name) for name, heading in HELD_OUT_HEADINGS.items()}
        return {
            "": self.name,
            score[0]: score[1],
            "95 %\nfrom": low,
            "\nto": high,
            **dict(others),
            **(held_out if is_known else {}),
        }


def lines(built: Built, answers: Classes, held_out: HeldOut | None) -> list[Line]:
    """Return members alone, all methods that were compared, and what is submitted.

    ``answers`` (N,) are those of the eval images. The score of a method, and so of what is
    submitted, is of persons that it was not fitted to.
    """
    chosen, labels = built.chosen, built.known.labels
    compared = [
        Line(one.name, one.name, scores(labels, one.answers), (one.low, one.high))
        for one in built.compared
    ]
    there = scores(held_out.labels, answers) if held_out else {}
    last = Line(
        ENSEMBLE, chosen.name, scores(labels, chosen.answers), (chosen.low, chosen.high), there
    )
    return [*_member_lines(built, held_out), *compared, last]


def _member_lines(built: Built, held_out: HeldOut | None) -> list[Line]:
    """Return a line for each member as it answers alone, those that count most first."""
    places = {trial.name: place for place, trial in enumerate(built.trials)}
    found: list[Line] = []
    for name in list(built.members)[:MOST_LISTED]:
        place = places[name]
        here = _alone(built.known.labels, built.known.stack, place, built.trials[place].tasks)
        there = held_out and _alone(
            held_out.labels, held_out.stack, place, built.trials[place].tasks
        )
        found.append(Line(name, "", here, held_out=there or {}))
    return found


def _alone(labels: Classes, stack: Stack, place: int, tasks: Sequence[str]) -> Metrics:
    return scores(labels, stack[place].argmax(axis=1), tasks)
