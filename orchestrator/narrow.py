"""How does the command line narrow a search space?

`loss.name=cross_entropy,focal` gives choices and `optim.lr=interval(1e-4,1e-3)` a range. A range
keeps the logarithm that the space declares; a path that the space lacks is added to it.
"""

from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.types import (
    ChoiceSweep,
    IntervalSweep,
    QuotedString,
    RangeSweep,
    Sweep,
)
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from search_spaces.language import Domain, Space, When, choice, when
from trainable.config import TrialConfig
from trainable.settings import UserError, setting_paths

FIXED = ("cv.", "machine.", "search.", "cluster.", "scheduler.", "data.root", "train.epochs")
"""Beginnings of paths that are the same in all trials of a search: else they do not compare."""


def narrow(space: Space, swept: Mapping[str, Sweep], base: TrialConfig) -> Space:
    """Return the space with each swept path drawn from the values given for it."""
    for path, sweep in swept.items():
        if path.startswith(FIXED) or path not in setting_paths(TrialConfig):
            raise UserError(f"{path} is the same in all trials of a search: give it one value")
        domain = space.parameters.get(path)
        declared = space.domains()[path][0] if domain else None
        narrowed: Domain = _distribution(path, sweep, declared, base)
        if isinstance(domain, When):
            narrowed = when(domain.parent, dict.fromkeys(domain.cases, narrowed))
        space = space.narrowed(path, narrowed)
    return space


def _distribution(
    path: str, sweep: Sweep, declared: BaseDistribution | None, base: TrialConfig
) -> BaseDistribution:
    if isinstance(sweep, IntervalSweep):
        return _range(path, sweep, declared, base)
    if isinstance(sweep, RangeSweep):
        return choice(*sweep.range())
    if not isinstance(sweep, ChoiceSweep):
        raise UserError(f"{path}: write several values as a,b,c and a range as interval(low,high)")
    return choice(*(_plain(value) for value in sweep.list))


def _range(
    path: str, sweep: IntervalSweep, declared: BaseDistribution | None, base: TrialConfig
) -> BaseDistribution:
    low, high = sweep.start, sweep.end
    if low is None or high is None or low >= high:
        raise UserError(f"{path}=interval({low},{high}): the first end must be below the second")
    is_log = "log" in sweep.tags or getattr(declared, "log", False)
    if is_log and low <= 0:
        raise UserError(f"{path}=interval({low},{high}): a logarithmic range starts above 0")
    if type(base.value(path)) is int:
        return IntDistribution(int(low), int(high), log=is_log)
    return FloatDistribution(low, high, log=is_log)


def _plain(value: Any) -> Any:
    return value.text if isinstance(value, QuotedString) else value
