"""How is a search space written? Dotted paths, Optuna distributions, and `when`.

SPACE = Space(
    question="Which loss suits these classes?",
    parameters={
        "loss.name": choice("cross_entropy", "focal"),
        "loss.gamma": when("loss.name", {"focal": uniform(0.5, 4.0)}),
        "optim.lr": log_uniform(3e-4, 1e-2),
    },
)
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from trainable.config import TrialConfig
from trainable.settings import UserError, Value


@dataclass(frozen=True)
class When:
    """A parameter that exists only for some values of another, its ``parent``."""

    parent: str
    cases: Mapping[Any, BaseDistribution]


Domain = BaseDistribution | When


class Suggest(Protocol):
    """The part of an Optuna trial that draws values."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Draw a number."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        """Draw an integer, both ends included."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        """Draw one of the choices."""
        ...


Draw = Callable[[Suggest], dict[str, Value]]
"""Draws a value for each parameter that exists."""


def choice(*values: Value) -> BaseDistribution:
    """One of ``values``; a single one is simply set."""
    return CategoricalDistribution(values)


def uniform(low: float, high: float) -> BaseDistribution:
    """A number between ``low`` and ``high``."""
    return FloatDistribution(low, high)


def log_uniform(low: float, high: float) -> BaseDistribution:
    """A positive number, all orders of magnitude between the ends equally likely."""
    return FloatDistribution(low, high, log=True)


def integers(low: int, high: int) -> BaseDistribution:
    """An integer between ``low`` and ``high``, both included."""
    return IntDistribution(low, high)


def when(parent: str, cases: Mapping[Any, BaseDistribution]) -> When:
    """A parameter that has a value of its own only where ``parent`` takes one of the ``cases``."""
    return When(parent, cases)


@dataclass(frozen=True)
class Space:
    """What to try, and the question that trying it answers."""

    question: str
    parameters: Mapping[str, Domain]

    def suggest(self, trial: Suggest, base: TrialConfig) -> dict[str, Value]:
        """Draw a value for each parameter that exists, parents first."""
        values: dict[str, Value] = {}
        unconditional_first = sorted(self.parameters, key=self.is_conditional)
        for path in unconditional_first:
            domain = self.parameters[path]
            if isinstance(domain, When):
                parent = values.get(domain.parent, base.value(domain.parent))
                if parent in domain.cases:
                    values[path] = draw(trial, path, domain.cases[parent])
            else:
                values[path] = draw(trial, path, domain)
        return values

    def is_conditional(self, path: str) -> bool:
        """Say whether a parameter exists only for some values of another."""
        return isinstance(self.parameters[path], When)

    def domains(self) -> dict[str, list[BaseDistribution]]:
        """Return every distribution a path may be drawn from, ``when`` cases one by one."""
        return {
            path: list(domain.cases.values()) if isinstance(domain, When) else [domain]
            for path, domain in self.parameters.items()
        }

    def as_json(self) -> dict[str, str]:
        """Return the parameters as text that a record can keep."""
        return {path: _domain_json(domain) for path, domain in self.parameters.items()}

    def without(self, paths: AbstractSet[str]) -> "Space":
        """Return the space with some parameters pinned: the base's value counts for them."""
        kept = {path: domain for path, domain in self.parameters.items() if path not in paths}
        return Space(self.question, kept)

    def narrowed(self, path: str, domain: Domain) -> "Space":
        """Return the space with one parameter drawn from another domain, or added."""
        return Space(self.question, {**self.parameters, path: domain})


def draw(trial: Suggest, path: str, distribution: BaseDistribution) -> Value:
    """Draw one value; a distribution of a single value asks nobody."""
    if isinstance(distribution, CategoricalDistribution):
        if distribution.single():
            return distribution.choices[0]
        return trial.suggest_categorical(path, distribution.choices)
    if isinstance(distribution, FloatDistribution):
        return trial.suggest_float(path, distribution.low, distribution.high, log=distribution.log)
    assert isinstance(distribution, IntDistribution)
    return trial.suggest_int(path, distribution.low, distribution.high, log=distribution.log)


def merge(spaces: Mapping[str, Space]) -> Space:
    """Join named spaces into one; the same path in two of them is an error."""
    parameters: dict[str, Domain] = {}
    owner: dict[str, str] = {}
    for name, space in spaces.items():
        for path, domain in space.parameters.items():
            if path in owner:
                raise UserError(
                    f"spaces {owner[path]} and {name} both search {path}; "
                    f"leave one of them out, or pin it with {path}=<value>"
                )
            parameters[path] = domain
            owner[path] = name
    return Space(" ".join(space.question for space in spaces.values()), parameters)


def _domain_json(domain: Domain) -> str:
    if isinstance(domain, When):
        cases = {str(value): distribution_to_json(d) for value, d in domain.cases.items()}
        return f"when {domain.parent}: {cases}"
    return distribution_to_json(domain)
