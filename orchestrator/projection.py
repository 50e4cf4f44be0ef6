"""What of a stored configuration does another search's space hold?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.language import Space
from trainable.config import TrialConfig
from trainable.records import compact
from trainable.settings import UserError, Value


@dataclass(frozen=True)
class Projected:
    """What a space holds of a configuration, and what of it it does not.

    ``moved`` are numbers outside their range, of which ``values`` hold the nearest end. ``foreign``
    are those that are not among the choices: ``values`` hold neither them nor the parameters that
    depend on them.
    """

    values: Mapping[str, Value]
    moved: Mapping[str, Value]
    foreign: Mapping[str, Value]

    @property
    def changes(self) -> list[str]:
        """What is no longer as it was, a phrase each."""
        moved = [
            f"{compact({path: value})} becomes {compact({path: self.values[path]})}"
            for path, value in self.moved.items()
        ]
        drawn = [f"{compact({path: value})} is drawn" for path, value in self.foreign.items()]
        return [*moved, *drawn]


def project(config: TrialConfig, space: Space, base: TrialConfig) -> Projected:
    """Return what the space holds of a configuration, whether it was searched there or pinned.

    A parameter that exists only for some values of another follows that one's projected value.
    """
    stored = _Stored(config)
    drawn = space.suggest(stored, base)
    values = {path: value for path, value in drawn.items() if path not in stored.foreign}
    return Projected(values, stored.moved, stored.foreign)


def contradiction(values: Mapping[str, Value], base: TrialConfig) -> str:
    """Return why a trial cannot have the values; nothing where it can."""
    try:
        base.with_values(values)
    except UserError as error:
        return str(error)
    return ""


class _Stored:
    """Draws each parameter as a configuration has it; what is foreign is drawn as ``_FOREIGN``."""

    def __init__(self, config: TrialConfig) -> None:
        self._config = config
        self.moved: dict[str, Value] = {}
        self.foreign: dict[str, Value] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> Any:
        return self._nearest(name, low, high)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> Any:
        return self._nearest(name, low, high)

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Any:
        value = self._config.value(name)
        if value in choices:
            return choices[choices.index(value)]
        self.foreign[name] = value
        return _FOREIGN

    def _nearest(self, name: str, low: float, high: float) -> Any:
        value = self._config.value(name)
        if not isinstance(value, int | float):
            self.foreign[name] = value
            return _FOREIGN
        nearest = min(max(value, low), high)
        if nearest != value:
            self.moved[name] = value
        return nearest


_FOREIGN = object()
"""No value of any parameter: those that depend on it do not exist."""
