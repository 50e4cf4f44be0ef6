"""Who may go on from a rung? Scores of all trials that came to each level."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Rung:
    """The scores at one level, best first, and who waits there to go on."""

    level: int
    reached: list[tuple[float, int, str]] = field(default_factory=list[tuple[float, int, str]])
    waiting: list[tuple[float, int, str]] = field(default_factory=list[tuple[float, int, str]])
    over: int = 0
    """How many ended there without going on."""

    def place(self, entry: tuple[float, int, str]) -> int:
        """Return how many entries are better."""
        return bisect.bisect_left(self.reached, entry)


class Rungs:
    """Scores by level; one in ``reduction`` goes on from each (Jamieson & Talwalkar 2016).

    Of equal scores the one that came first is better. Higher scores are better.
    """

    def __init__(self, levels: Sequence[int], reduction: float) -> None:
        self.levels = tuple(levels)
        self._reduction = reduction
        self._rungs = [Rung(level) for level in levels]
        self._by_level = {rung.level: rung for rung in self._rungs}
        self._waits: dict[str, tuple[Rung, tuple[float, int, str]]] = {}

    def add(self, trial: str, level: int, score: float) -> None:
        """Enter a trial's score at a level."""
        rung = self._by_level[level]
        entry = (-score, len(rung.reached), trial)
        bisect.insort(rung.reached, entry)
        bisect.insort(rung.waiting, entry)
        self._waits[trial] = (rung, entry)

    def is_good(self, trial: str) -> bool:
        """Say whether a waiting trial is among the best of those that came so far.

        That is one in ``reduction``, rounded up: the first to come is good, whatever it is.
        """
        rung, entry = self._waits[trial]
        return rung.place(entry) < math.ceil(len(rung.reached) / self._reduction)

    def promotable(self) -> str | None:
        """Return the best waiting trial of the highest level that has one worth going on.

        From a level of n scores at most n / ``reduction`` go on in all, rounded down: the first to
        come wait for others to be compared with, and in whatever order they come, no more go on
        (Li et al. 2020 promote every newcomer that is among the best so far, which in ascending
        order are all of them).
        """
        for rung in reversed(self._rungs):
            gone = len(rung.reached) - len(rung.waiting) - rung.over
            if rung.waiting and gone < math.floor(len(rung.reached) / self._reduction):
                return rung.waiting[0][2]
        return None

    def best_waiting(self) -> str | None:
        """Return the best waiting trial of the highest level, whatever it is worth."""
        return next((rung.waiting[0][2] for rung in reversed(self._rungs) if rung.waiting), None)

    def leave(self, trial: str, *, goes_on: bool = True) -> None:
        """Let a trial wait no longer: it goes on, or it is over. Its scores stay."""
        if trial in self._waits:
            rung, entry = self._waits.pop(trial)
            del rung.waiting[bisect.bisect_left(rung.waiting, entry)]
            rung.over += not goes_on
