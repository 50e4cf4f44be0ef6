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
    known = recipe.known()
    free: dict[str, Settings] = {}
    for name in names:
        undone = recipe.undone(known[name])
        free[name] = {
            path: value
            for path, value in known[name].items()
            if path not in pinned and value != undone[path]
        }
    return free


def ablation_rows(
    recipe: Recipe, mode: Mode, names: Sequence[str], pinned: AbstractSet[str]
) -> list[Row]:
    """Return the lines of an ablation of the named techniques, references before their lines.

    ``pinned`` paths stay as they were given. A line says which techniques are present: the recipe's
    own keep the settings that the recipe's networks have of them.
    """
    return [
        Row(line.name, _values(recipe, line.present, pinned), line.reference)
        for line in MODES[mode](recipe, names)
    ]


@dataclass(frozen=True)
class _Line:
    name: str
    present: AbstractSet[str]
    reference: str | None = None


def _values(recipe: Recipe, present: AbstractSet[str], pinned: AbstractSet[str]) -> Settings:
    """Return what makes the recipe one with exactly the ``present`` techniques."""
    steps, values = recipe.steps(), dict[str, Value]()
    kept = set(pinned).union(*(steps[name] for name in present if name in steps))
    for name, settings in steps.items():
        if name not in present:
            values |= {p: v for p, v in recipe.undone(settings).items() if p not in kept}
    for name in present - steps.keys():
        values |= {p: v for p, v in recipe.tried[name].items() if p not in pinned}
    return values


def _remove(recipe: Recipe, names: Sequence[str]) -> list[_Line]:
    whole = frozenset(recipe.steps())
    lines = [_Line(WHOLE, whole)]
    for name in names:
        word = "without" if name in whole else "with"
        lines.append(_Line(f"{word} {name}", whole ^ {name}, WHOLE))
    return lines


def _add(recipe: Recipe, names: Sequence[str]) -> list[_Line]:
    return [_Line(PLAIN, set()), *(_Line(f"+ {name}", {name}, PLAIN) for name in names)]


def _ladder(recipe: Recipe, names: Sequence[str]) -> list[_Line]:
    lines = [_Line(PLAIN, set())]
    for name in names:
        lines.append(_Line(f"+ {name}", lines[-1].present | {name}, lines[-1].name))
    return lines


MODES: Mapping[Mode, Callable[[Recipe, Sequence[str]], list[_Line]]] = {
    "remove": _remove,
    "add": _add,
    "ladder": _ladder,
}
