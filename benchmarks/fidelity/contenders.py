"""Which ways to spend fold-epochs are compared? What a trial is made of, and who goes on when."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.fidelity.recorded import Recording, Trained
from orchestrator.config import SchedulerSection
from orchestrator.rules import Halving, Rule, make_rule
from trainable.config import TrialConfig


@dataclass(frozen=True)
class Step:
    """What one step of a trial costs, in fold-epochs, and what it gives, if it gives a score."""

    number: int
    cost: int
    networks: Trained | None


Steps = Callable[[Recording, Sequence[int]], Iterator[Step]]
"""A configuration and the order of its folds -> its trial."""


def together(one: Recording, folds: Sequence[int]) -> Iterator[Step]:
    """Yield a trial whose folds advance side by side."""
    for epoch in range(1, one.epochs + 1):
        yield Step(epoch, len(folds), one.trained(folds, epoch))


def first_fold(one: Recording, folds: Sequence[int]) -> Iterator[Step]:
    """Yield a trial of the first fold alone."""
    yield from together(one, folds[:1])


def in_turn(one: Recording, folds: Sequence[int]) -> Iterator[Step]:
    """Yield a trial whose folds come one after the other, as `Fit` does with cv.fidelity=folds.

    Further folds are trained up to the first one's best epoch, and count when they are there.
    """
    yield from first_fold(one, folds)
    best = one.best(folds[:1]).epoch
    for count in range(2, len(folds) + 1):
        before = one.epochs * (count - 1)
        yield from (Step(before + epoch, 1, None) for epoch in range(1, best))
        yield Step(before + one.epochs, 1, one.trained(folds[:count], best))


@dataclass(frozen=True)
class Fidelity:
    """What a trial that goes on gets more of."""

    title: str
    steps: Steps
    is_in_turn: bool = False
    has_early_rung: bool = False
    """Whether folds in turn are compared within the first fold too, after the first epochs."""
    is_completed: bool = False
    """Whether the best trial's other folds are trained when the search is over."""


TOGETHER, IN_TURN, BOTH, ONE = "together", "in turn", "both", "one"
FIDELITIES: Mapping[str, Fidelity] = {
    TOGETHER: Fidelity("folds together", together),
    IN_TURN: Fidelity("folds in turn", in_turn, is_in_turn=True),
    BOTH: Fidelity("epochs, then folds", in_turn, is_in_turn=True, has_early_rung=True),
    ONE: Fidelity("one fold", first_fold, is_completed=True),
}
FIFO, STOP, PROMOTE = "fifo", "stop", "promote"
RULES: Mapping[str, SchedulerSection] = {
    FIFO: SchedulerSection(name="fifo"),
    STOP: SchedulerSection(promote=False),
    PROMOTE: SchedulerSection(promote=True),
}


@dataclass(frozen=True)
class Contender:
    """A way to search: names of a fidelity and of a rule."""

    fidelity: str
    rule: str

    @property
    def title(self) -> str:
        """How it is called."""
        return f"{FIDELITIES[self.fidelity].title}, {self.rule}"

    def make_rule(self, epochs: int, folds: int) -> Rule:
        """Return the project's own rule for trials of so many epochs and folds."""
        fidelity, section = FIDELITIES[self.fidelity], RULES[self.rule]
        values: dict[str, int | str] = {"cv.folds": folds, "train.epochs": epochs}
        if fidelity.is_in_turn:
            values["cv.fidelity"] = "folds"
        rule = make_rule(section, TrialConfig().with_values(values))
        if not (fidelity.has_early_rung and rule.levels):
            return rule
        levels = (section.grace_epochs, *rule.levels)
        return Halving(levels, section.reduction, promote=section.promote)


CONTENDERS = tuple(
    Contender(fidelity, rule)
    for fidelity in FIDELITIES
    for rule in RULES
    if not (rule == FIFO and FIDELITIES[fidelity].has_early_rung)
)
