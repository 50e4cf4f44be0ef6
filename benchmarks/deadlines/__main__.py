"""Are searches ready in time, and do they use it? `python -m benchmarks.deadlines [--real]`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands import new_app, user_errors
from benchmarks.deadlines.real import real_searches
from benchmarks.deadlines.report import show
from benchmarks.deadlines.simulated import simulated_searches

app = new_app()


@app.command()
@user_errors()
def deadlines(
    real: Annotated[bool, typer.Option("--real", help="Real searches of 3-5 minutes.")] = False,
    data: Annotated[str, typer.Option(help="Data of the real ones, or the demo data.")] = "demo",
    count: Annotated[int, typer.Option(min=1, help="Simulated searches.")] = 20,
) -> None:
    """Print how well deadlines are met; exit with 1 where worse than asked for."""
    if real:
        with tempfile.TemporaryDirectory() as folder:
            is_met = show("real searches", real_searches(Path(folder), data))
    else:
        is_met = show("simulated searches", simulated_searches(count))
    raise typer.Exit(0 if is_met else 1)


if __name__ == "__main__":
    app()
