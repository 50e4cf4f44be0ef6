"""How are figures shown? As a Rich table for people, as JSON for programs."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure

CONSOLE = Console(markup=False, emoji=False, highlight=False)


def show(figures: Sequence[Figure], failures: Sequence[str]) -> None:
    """Print a line for each figure, and what failed."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("figure", "mean", "unit", "spread", "n", "target", "reached"):
        is_text = heading in ("figure", "unit", "reached")
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=True)
    for figure in figures:
        table.add_row(*cells(figure))
    CONSOLE.print(table)
    CONSOLE.print("spread: range of the n measurements, or of the neighbours compared with")
    for failure in failures:
        CONSOLE.print(f"failed: {failure}")


def cells(figure: Figure) -> list[str]:
    """Return a figure's line; a single measurement has no spread."""
    return [
        figure.asked.name,
        number(figure.value),
        figure.asked.unit,
        f"{figure.spread:.0%}" if figure.high > figure.low else "",
        str(figure.count),
        str(figure.asked.target or ""),
        {None: "", True: "yes", False: "NO"}[figure.reached],
    ]


def number(value: float) -> str:
    """Return three significant digits, and all digits before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write_json(file: Path, figures: Sequence[Figure], failures: Sequence[str]) -> None:
    """Write figures, failures and the machine."""
    processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    machine = {"cores": os.cpu_count(), "processor": processor, "torch": torch.__version__}
    rows = [row(figure) for figure in figures]
    content = {"machine": machine, "figures": rows, "failures": list(failures)}
    file.write_text(json.dumps(content, indent=1))


def row(figure: Figure) -> dict[str, object]:
    """Return a figure for programs."""
    target = figure.asked.target
    return {
        "name": figure.asked.name,
        "unit": figure.asked.unit,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "measurements": figure.count,
        "target": str(target) if target else None,
        "reached": figure.reached,
    }
