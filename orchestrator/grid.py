"""Which combinations does a grid have? Every one that a space can draw."""

import itertools
from collections.abc import Iterator, Sequence

from search_spaces.language import Draw
from trainable.recipes.recipe import Settings
from trainable.settings import UserError, Value


def grid_points(draw: Draw, limit: int) -> list[Settings]:
    """Return every combination that can be drawn, at most ``limit``; no two are equal.

    UserError where a parameter is a range: its values have no number.
    """
    found: dict[tuple[tuple[str, Value], ...], Settings] = {}
    for values in itertools.islice(_combinations(draw), limit):
        found.setdefault(tuple(sorted(values.items(), key=str)), values)
    return list(found.values())


def _combinations(draw: Draw) -> Iterator[Settings]:
    """Yield what is drawn along every path of choices, the last choice changing first."""
    path: list[int] = []
    while True:
        walk = _Walk(path)
        yield draw(walk)
        path = walk.taken
        while path and path[-1] == walk.counts[len(path) - 1] - 1:
            path.pop()
        if not path:
            return
        path[-1] += 1


class _Walk:
    """Takes the choices of ``path``, then the first of each further parameter."""

    def __init__(self, path: Sequence[int]) -> None:
        self._path = path
        self.taken: list[int] = []
        self.counts: list[int] = []

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        raise UserError(
            f"search.sampler=grid tries every combination, but {name} is a range: list its values "
            f"({name}={low:g},{high:g}), or choose another sampler"
        )

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        return low + self._take(high - low + 1)

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Value:
        return choices[self._take(len(choices))]

    def _take(self, count: int) -> int:
        place = len(self.taken)
        self.taken.append(self._path[place] if place < len(self._path) else 0)
        self.counts.append(count)
        return self.taken[-1]
