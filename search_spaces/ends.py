"""Can a trial take every value that a space may draw? Asked before anything is started."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search_spaces.language import Domain, Space, When
from trainable.config import TrialConfig
from trainable.settings import UserError, Value, setting_paths, unknown_name

RANDOM_DRAWS = 100


class _Wishes:
    """Draws the wished value of a parameter, and the first one of any other."""

    def __init__(self, wished: Mapping[str, Value]) -> None:
        self._wished = wished

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        wish = self._wished.get(name, low)
        assert isinstance(wish, int | float)
        return wish

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        wish = self._wished.get(name, low)
        assert isinstance(wish, int)
        return wish

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        return self._wished.get(name, choices[0])


def check_space(space: Space, base: TrialConfig) -> None:
    """Raise UserError where the space names an unknown path or a value ``base`` cannot take."""
    known = setting_paths(TrialConfig)
    parents = [domain.parent for domain in space.parameters.values() if isinstance(domain, When)]
    for path in [*space.parameters, *parents]:
        if path not in known:
            raise unknown_name("setting in the search space", path, known)
    for values in [*end_values(space, base), *random_values(space, base)]:
        try:
            base.with_values(values)
        except UserError as error:
            drawn = " ".join(f"{path}={value}" for path, value in values.items())
            raise UserError(
                f"{error} (the search could draw {drawn}: pin or narrow one of the two settings)"
            ) from None


def random_values(space: Space, base: TrialConfig) -> Iterator[dict[str, Value]]:
    """Yield random draws: settings may contradict each other only together."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(RANDOM_DRAWS):
        yield space.suggest(study.ask(), base)


def end_values(space: Space, base: TrialConfig) -> Iterator[dict[str, Value]]:
    """Yield values that together touch both ends of every range and every choice."""
    for path, domain in space.parameters.items():
        for wished in _wishes(path, domain):
            yield space.suggest(_Wishes(wished), base)


def corner_values(
    space: Space, base: TrialConfig, paths: Collection[str]
) -> list[dict[str, Value]]:
    """Return every combination of the ends and choices of those of ``paths`` that are searched.

    What they depend on is combined too.
    """
    parents = [space.parameters[path] for path in paths if path in space.parameters]
    wanted = {*paths, *(domain.parent for domain in parents if isinstance(domain, When))}
    order = sorted(wanted & set(space.parameters), key=space.is_conditional)
    corners: list[dict[str, Value]] = [{}]
    for path in order:
        corners = [
            {**one, **own} for one in corners for own in _ends_beside(one, path, space, base)
        ]
    return corners


def _ends_beside(
    values: Mapping[str, Value], path: str, space: Space, base: TrialConfig
) -> list[dict[str, Value]]:
    """Return the ends of a parameter beside values of others; one empty where it does not exist."""
    domain = space.parameters[path]
    if not isinstance(domain, When):
        return [{path: end} for end in ends(domain)]
    parent = values.get(domain.parent, base.value(domain.parent))
    if parent not in domain.cases:
        return [{}]
    return [{path: end} for end in ends(domain.cases[parent])]


def ends(distribution: BaseDistribution) -> tuple[Value, ...]:
    """Return the values at both ends of a range, or all choices."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return (distribution.low, distribution.high)


def _wishes(path: str, domain: Domain) -> Iterator[dict[str, Value]]:
    if isinstance(domain, When):
        for parent_value, distribution in domain.cases.items():
            for end in ends(distribution):
                yield {domain.parent: parent_value, path: end}
    else:
        for end in ends(domain):
            yield {path: end}
