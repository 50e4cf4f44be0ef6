"""Which trials does an ablation need, so that each differs from its reference by one technique?"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from trainable.recipes.recipe import Recipe, Settings
from trainable.settings import Value

Mode = Literal["remove", "add", "ladder"]
WHOLE, PLAIN = "whole recipe", "plain"


@dataclass(frozen=True)
class Row:
    """A line of the table: settings over the recipe's, and the line it is compared with."""

    name: str
    values: Settings
    reference: str | None = None


def free_techniques(
    recipe: Recipe, names: Sequence[str], pinned: AbstractSet[str]
) -> dict[str, Settings]:
    """Return the settings of the named techniques that change something and are not ``pinned``."""
    known = {**recipe.steps(), **recipe.tried}
    free: dict[str, Settings] = {}
    for name in names:
        undone = recipe.undone(known[name])
        free[name] = {
            path: value
            for path, value in known[name].items()
            if path not in pinned and value != undone[path]
        }
    return free


def ablation_rows(recipe: Recipe, mode: Mode, techniques: Mapping[str, Settings]) -> list[Row]:
    """Return the lines of an ablation, each after the one it is compared with."""
    return MODES[mode](recipe, techniques)


def _remove(recipe: Recipe, techniques: Mapping[str, Settings]) -> list[Row]:
    rows = [Row(WHOLE, {})]
    for name, settings in techniques.items():
        is_part = name in recipe.steps()
        values = recipe.undone(settings) if is_part else settings
        rows.append(Row(f"{'without' if is_part else 'with'} {name}", values, WHOLE))
    return rows


def _add(recipe: Recipe, techniques: Mapping[str, Settings]) -> list[Row]:
    plain = _plain(recipe, techniques)
    added = [Row(f"+ {name}", {**plain, **own}, PLAIN) for name, own in techniques.items()]
    return [Row(PLAIN, plain), *added]


def _ladder(recipe: Recipe, techniques: Mapping[str, Settings]) -> list[Row]:
    rows = [Row(PLAIN, _plain(recipe, techniques))]
    for name, settings in techniques.items():
        rows.append(Row(f"+ {name}", {**rows[-1].values, **settings}, rows[-1].name))
    return rows


def _plain(recipe: Recipe, techniques: Mapping[str, Settings]) -> dict[str, Value]:
    plain: dict[str, Value] = {}
    for settings in techniques.values():
        plain |= recipe.undone(settings)
    return plain


MODES: Mapping[Mode, Callable[[Recipe, Mapping[str, Settings]], list[Row]]] = {
    "remove": _remove,
    "add": _add,
    "ladder": _ladder,
}
