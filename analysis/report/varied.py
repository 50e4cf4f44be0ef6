"""Which settings did the trials differ in, and over which values?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from analysis.report.evidence import Evidence
from analysis.results import Trial
from search_spaces.stored import ALWAYS
from trainable.settings import Value

ABSENT = "-"
"""Stands for the value of a trial that has none of a setting."""
FOLD = "\u200b"
"""Takes no room, and lets a line end after it."""


@dataclass(frozen=True)
class Varied:
    """A setting that trials differ in: ``values`` by trial, of those that have it."""

    path: str
    values: Mapping[str, Value]
    is_log: bool = False
    choices: Sequence[Value] = ()
    """In the order of the space; empty for numbers."""

    def text(self, trial: str) -> str:
        """Return the value that a trial has, as people read it; ABSENT where it has none."""
        return shown(self.values[trial]) if trial in self.values else ABSENT


def shown(value: Value) -> str:
    """Return a setting's value as people read it."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def foldable(path: str) -> str:
    """Return a setting's path that may fold after its dots and underscores."""
    return path.replace(".", f".{FOLD}").replace("_", f"_{FOLD}")


def varied_settings(evidence: Evidence) -> list[Varied]:
    """Return the settings that trials with a score differ in, in the order of the space."""
    known = evidence.space
    paths = dict.fromkeys([*known, *(path for one in evidence.scored for path in _values(one))])
    found = [_varied(path, evidence.scored, known.get(path, ("", {}))[1]) for path in paths]
    return [one for one in found if len(set(map(repr, one.values.values()))) > 1]


def distributions(evidence: Evidence, trial: Trial) -> dict[str, BaseDistribution]:
    """Return what each of a trial's values was drawn from, of those that lie in the space."""
    found: dict[str, BaseDistribution] = {}
    for path, (parent, cases) in evidence.space.items():
        case = ALWAYS if parent == ALWAYS else str(trial.results.record.config.value(parent))
        if case in cases and path in _values(trial) and _holds(cases[case], _values(trial)[path]):
            found[path] = cases[case]
    return found


def _values(trial: Trial) -> Mapping[str, Value]:
    return trial.results.record.values


def _holds(distribution: BaseDistribution, value: Value) -> bool:
    """Say whether a value may have been drawn: a space can change when a search is resumed."""
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return isinstance(value, int | float) and distribution.low <= value <= distribution.high


def _varied(path: str, trials: Sequence[Trial], cases: Mapping[str, BaseDistribution]) -> Varied:
    values = {trial.name: _values(trial)[path] for trial in trials if path in _values(trial)}
    drawn = list(cases.values())
    is_log = any(getattr(one, "log", False) for one in drawn)
    if all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values.values()
    ):
        return Varied(path, values, is_log)
    listed = [
        value for one in drawn if isinstance(one, CategoricalDistribution) for value in one.choices
    ]
    return Varied(path, values, choices=list(dict.fromkeys([*listed, *values.values()])))
