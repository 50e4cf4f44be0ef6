"""How well were deadlines met? One line a search, and the worst of all."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

MOST_OVERRUN, MOST_UNUSED = 0.02, 0.15
"""What is asked for, as shares of a search's length."""
COLUMNS = (
    *("search", "length", "trained", "ready", "overrun", "unused", "broken off"),
    *("trials", "predicted"),
)
CONSOLE = Console(markup=False, emoji=False, highlight=False, width=120)


@dataclass(frozen=True)
class Met:
    """How a search of ``length`` met its deadline; all in seconds since it was started.

    ``trained``, when its trials were over; ``idle``, in which slots did nothing before that, and
    ``cut``, in which they trained epochs that were broken off, both divided by the slots;
    ``trials``, how many trained an epoch; ``predicted``, whose eval images were predicted.
    """

    what: str
    length: float
    trained: float
    ready: float
    idle: float
    cut: float
    trials: int
    predicted: int
    notes: str = ""

    @property
    def overrun(self) -> float:
        """How much later than asked all was ready, as a share of the length."""
        return max(0.0, self.ready - self.length) / self.length

    @property
    def unused(self) -> float:
        """The idle time and what was left at the end, as a share of the length."""
        return (self.idle + max(0.0, self.length - self.ready)) / self.length


def show(title: str, found: Sequence[Met]) -> bool:
    """Print a table and the worst of it; return whether all is as asked for."""
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "search" else "right")
    for met in found:
        table.add_row(
            met.what,
            f"{met.length:.0f} s",
            f"{met.trained:.1f} s",
            f"{met.ready:.1f} s",
            f"{met.overrun:.2%}",
            f"{met.unused:.1%}",
            f"{met.cut / met.length:.1%}",
            f"{met.trials}",
            f"{met.predicted}",
        )
    CONSOLE.print(table)
    for met in found:
        if met.notes:
            CONSOLE.print(f"{met.what}: {met.notes}")
    overrun = max(met.overrun for met in found)
    unused = max(met.unused for met in found)
    CONSOLE.print(
        f"worst overrun {overrun:.2%} (at most {MOST_OVERRUN:.0%} asked), "
        f"worst unused {unused:.1%} (at most {MOST_UNUSED:.0%} asked)"
    )
    return overrun <= MOST_OVERRUN and unused <= MOST_UNUSED
