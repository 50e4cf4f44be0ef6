"""How are the comparisons shown? As tables for people, as JSON for programs."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.schedulers.contenders import CONTENDERS, RANDOM, RAY
from benchmarks.schedulers.figures import BUDGETS, Estimate, Row
from benchmarks.schedulers.load import Saving, Throughput
from benchmarks.schedulers.runs import Conditions, Run
from benchmarks.tables import new_table

WIDEST = 145
"""Columns of the widest table: a narrow terminal folds it, a file holds it whole."""
COLUMNS = max(WIDEST, shutil.get_terminal_size().columns)
CONSOLE = Console(markup=False, emoji=False, highlight=False, width=COLUMNS)
NOTES = (
    f"regret: 0 the best of 4,000 random configurations of the task, 1 the median one; at "
    f"{', '.join(f'{budget:g}' for budget in BUDGETS)} median full trainings of wall-clock; "
    "± a standard error over tasks, seeds averaged first",
    f"sooner: how many times sooner than '{RANDOM}' with the same seed a run reaches the median "
    "final score of random search on its task, which counts as reached at the end by those that "
    "never do; of the median run. never: share of the runs that do not reach it",
    f"against '{RAY}': the paired difference of regrets over tasks; certain beyond two standard "
    "errors",
)


def show_comparison(groups: Mapping[str, Sequence[Row]]) -> None:
    """Print two tables for each group of tasks."""
    for title, rows in groups.items():
        CONSOLE.print(f"\n{title}: regret")
        CONSOLE.print(regret_table(rows))
        if any(row.against for row in rows):
            CONSOLE.print(f"{title}: regret against '{RAY}'")
            CONSOLE.print(difference_table(rows))
    for note in NOTES:
        CONSOLE.print(note)


def regret_table(rows: Sequence[Row]) -> Table:
    """Return a line for each contender: its regret, its speed, what it trained."""
    budgets = [f"at {budget:g}" for budget in BUDGETS]
    table = new_table("contender", *budgets, "sooner", "never", "trials", "epochs", "wall s")
    for row in rows:
        speed = (f"{row.speed.sooner:.1f} x", f"{row.speed.never:.0%}") if row.speed else ("", "")
        work = (f"{row.trainings:.0f}", f"{row.epochs:.0f}", f"{row.wall_seconds:.1f}")
        cells = [plus_minus(row.regrets[budget]) for budget in BUDGETS]
        table.add_row(CONTENDERS[row.contender].title, *cells, *speed, *work)
    return table


def difference_table(rows: Sequence[Row]) -> Table:
    """Return a line for each contender but the one compared with."""
    table = new_table("contender", *(f"at {budget:g}" for budget in BUDGETS))
    for row in rows:
        if row.against:
            found = [row.against[budget] for budget in BUDGETS]
            cells = [f"{plus_minus(estimate)} {estimate.verdict}" for estimate in found]
            table.add_row(CONTENDERS[row.contender].title, *cells)
    return table


def show_throughput(measured: Sequence[Throughput]) -> None:
    """Print how fast the simulator was."""
    table = new_table("contender", "trials", "epochs", "wall s", "events/s")
    for one in measured:
        work = (f"{one.log.trainings}", f"{one.log.epochs}")
        speed = (f"{one.wall_seconds:.1f}", f"{one.events_per_second:.0f}")
        table.add_row(CONTENDERS[one.contender].title, *work, *speed)
    CONSOLE.print(table)


def show_savings(measured: Sequence[Saving]) -> None:
    """Print what was trained of trials that arrived in the worst order."""
    table = new_table("contender", "trials", "epochs", "of", "share")
    for one in measured:
        work = (f"{one.log.trainings}", f"{one.log.epochs}", f"{one.full_epochs}")
        table.add_row(CONTENDERS[one.contender].title, *work, f"{one.share:.0%}")
    CONSOLE.print(table)


def plus_minus(estimate: Estimate) -> str:
    """Return a mean and its error."""
    return f"{estimate.mean:.3f} ±{estimate.error:.3f}"


def write_json(
    file: Path, conditions: Conditions, groups: Mapping[str, Sequence[Row]], runs: Sequence[Run]
) -> None:
    """Write conditions, figures, and every run."""
    figures = {title: [asdict(row) for row in rows] for title, rows in groups.items()}
    content = {
        "conditions": asdict(conditions),
        "figures": figures,
        "runs": [asdict(run) for run in runs],
    }
    file.write_text(json.dumps(content))
