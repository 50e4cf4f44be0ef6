"""How are the comparisons shown? As tables of 80 columns."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.fidelity.figures import Comparison, Line, Ranking
from benchmarks.fidelity.recorded import Table
from benchmarks.schedulers.figures import Estimate
from benchmarks.schedulers.report import plus_minus
from benchmarks.tables import new_table

COLUMNS = 80
NOTES = """
held out: macro-F1 on the held-out persons of the networks that the search ends
  with; whole: of the same configuration with all its folds trained to the end
regret: of held out, against the best of the pool, which nobody could choose, as
  it is known only from the held-out persons
trials: how many were begun, of the pool
± a standard error over orders; persons: 95 %, from resampling held-out persons;
  config: standard error over configurations (jackknife over the pools)
better, worse: where neither persons nor configurations (two errors) explain it
one fold: its cost has the winner's other folds, up to its best epoch
"""


def show_table(table: Table, pool: int, orders: int) -> None:
    """Print what was read, and how it is searched."""
    first, worths = table.recordings[0], [one.whole_worth() for one in table.recordings]
    persons = len(np.unique(first.held_out.persons))
    show(
        f"{len(worths)} configurations, {len(first.folds)} folds, {first.epochs} epochs; "
        f"{persons} held-out persons",
        f"held-out macro-F1, all folds: {min(worths):.3f} to {max(worths):.3f}, "
        f"median {np.median(worths):.3f}",
        f"{orders} orders of pools of {pool}",
        *(f"left out: {reason}" for reason in table.left_out),
    )


def show_rankings(found: Sequence[Ranking], halves: float) -> None:
    """Print how well scores rank configurations."""
    epochs = list(dict.fromkeys(one.epoch for one in found))
    by_epoch = [f"by epoch {epoch}" for epoch in epochs]
    table = new_table("tau with held out", *by_epoch, is_narrow=True)
    for folds in dict.fromkeys(one.folds for one in found):
        cells = [_ranking(one) for one in found if one.folds == folds]
        table.add_row(f"{folds} fold{'s' if folds > 1 else ''}", *cells)
    show(
        "",
        table,
        "Kendall's tau of the best score so far (lowest, highest choice of folds)",
        f"one half of the held-out persons against the other: {halves:.2f}",
    )


def show_budget(limit: int, lines: Sequence[Line], comparisons: Sequence[Comparison]) -> None:
    """Print a table of contenders and one of their differences."""
    columns = ("held out", "whole", "regret", "cost", "trials")
    worths = new_table(f"{limit} fold-epochs", *columns, is_narrow=True)
    for line in lines:
        estimates = [plus_minus(one) for one in (line.worth, line.whole, line.regret)]
        work = (f"{line.cost:.0f}", f"{line.trials:.1f}")
        worths.add_row(line.contender.title, *estimates, *work)
    columns = ("difference", "persons", "config", "")
    differences = new_table("held out, paired", *columns, is_narrow=True)
    for one in comparisons:
        low, high = one.interval
        interval = f"{low:+.3f} {high:+.3f}"
        cells = (signed(one.difference), interval, f"±{one.configurations:.3f}", one.verdict)
        differences.add_row(one.title, *cells)
    show("", worths, "", differences)


def show_notes() -> None:
    """Print what the tables' words mean."""
    show(NOTES.rstrip())


def show(*parts: str | RichTable) -> None:
    """Print lines and tables."""
    Console(markup=False, emoji=False, highlight=False, width=COLUMNS).print(*parts, sep="\n")


def signed(estimate: Estimate) -> str:
    """Return a difference and its error."""
    return f"{estimate.mean:+.3f} ±{estimate.error:.3f}"


def _ranking(one: Ranking) -> str:
    spread = f" ({one.low:.2f} {one.high:.2f})" if one.low < one.high else ""
    return f"{one.mean:.2f}{spread}"
