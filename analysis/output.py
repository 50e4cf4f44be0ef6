"""How does a table leave a command? As a Rich table for people, JSON or CSV for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from trainable.settings import printable
from trainable.spreadsheet import for_spreadsheets

Format = Literal["table", "json", "csv"]
FormatOption = Annotated[
    Format, typer.Option("--format", help="table for people; json or csv for programs.")
]
Row = Mapping[str, object]
"""One line of a table: column -> value."""
NEVER_FOLDED = 12
"""Cells of up to so many characters stay in one line."""


def show_table(title: str, rows: Sequence[Row], notes: Sequence[str] = ()) -> None:
    """Print ``rows`` (heading -> cell) as wide as the terminal, and ``notes`` below them."""
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    for heading in rows[0]:
        _add_column(table, heading, [row[heading] for row in rows])
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console = Console(markup=False, emoji=False, highlight=False)
    console.print(printable(title), table, sep="\n")
    for note in notes:
        console.print(printable(note), soft_wrap=True)


def show_data(form: Literal["json", "csv"], rows: Sequence[Row]) -> None:
    """Print ``rows`` for a program; CSV gives each key of a nested mapping its own column."""
    if form == "json":
        print(json.dumps(rows, indent=1))
    else:
        table = pd.DataFrame([_flat(row) for row in rows], dtype=object)
        for_spreadsheets(table).to_csv(sys.stdout, index=False)


def _add_column(table: Table, heading: str, values: Sequence[object]) -> None:
    """Numbers stand right; where the terminal is narrow, only long cells fold."""
    is_number = any(isinstance(value, int | float) for value in values)
    folds = max(len(str(value)) for value in values) > NEVER_FOLDED and not is_number
    justify = "right" if is_number else "left"
    table.add_column(heading, justify=justify, no_wrap=not folds, overflow="fold")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else printable(str(value))


def _flat(row: Row) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        flat |= value if isinstance(value, Mapping) else {name: value}
    return flat
