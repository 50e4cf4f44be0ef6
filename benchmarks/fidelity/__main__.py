"""Do folds advance together or in turn? `python -m benchmarks.fidelity record`, then `replay`.

`record` trains random configurations on folds of one part of the persons; `replay` plays searches
over them with the project's own scheduler, and says what their choices are worth on the others.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands import new_app, tell, user_errors
from benchmarks.fidelity.contenders import CONTENDERS, PROMOTE, TOGETHER, Contender
from benchmarks.fidelity.figures import compare, make_lines, ranking_of_halves, rankings
from benchmarks.fidelity.plays import budgets, draw_orders, play_all
from benchmarks.fidelity.record import Recorder, hold_out, record_all
from benchmarks.fidelity.recorded import Recording, read_recordings
from benchmarks.fidelity.report import show_budget, show_notes, show_rankings, show_table
from trainable.settings import UserError

LARGEST_POOL = 12
SHARES = (1 / 4, 1 / 3, 2 / 3)
"""Budgets: the full trainings of so many of the pool, all folds."""
app = new_app()


@app.command()
@user_errors()
def record(
    data: Annotated[Path, typer.Option(help="Data folder.")],
    out: Annotated[Path, typer.Option(help="Where recordings go; existing ones stay.")],
    configurations: Annotated[int, typer.Option(min=2, help="Random ones.")] = 24,
    epochs: Annotated[int, typer.Option(min=1, help="Of each fold.")] = 8,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Of the persons trained on.")] = 5,
    hold_out_share: Annotated[
        float, typer.Option("--hold-out", min=0.05, max=0.5, help="Of the persons.")
    ] = 0.3,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Train random configurations on folds; keep all predictions, those of held-out persons too."""
    hold_out(data, out, hold_out_share)
    for line in record_all(Recorder(out, epochs, folds), configurations, jobs):
        tell(line)


@app.command()
@user_errors()
def replay(
    recorded: Annotated[Path, typer.Option(help="Folder that `record` wrote.")],
    pool: Annotated[
        int | None, typer.Option(min=2, help="Configurations of a search; two thirds, at most 12.")
    ] = None,
    orders: Annotated[int, typer.Option(min=2, help="Searches of each kind.")] = 500,
    slots: Annotated[int, typer.Option(min=1, help="Trials that run at once.")] = 2,
    seed: Annotated[int, typer.Option(help="Of the orders.")] = 0,
    shared: Annotated[
        bool, typer.Option("--shared", help="Find the winner over folds that both have.")
    ] = False,
) -> None:
    """Play searches over recorded configurations, at equal cost, and compare what they choose."""
    table = read_recordings(recorded)
    pool = pool or min(LARGEST_POOL, round(2 * len(table.recordings) / 3))
    if pool > len(table.recordings):
        raise UserError(f"--pool={pool}: there are {len(table.recordings)} recordings")
    show_table(table, pool, orders)
    if shared:
        tell("two trials are compared over the folds that both have, also at the end")
    rank(table.recordings)
    drawn = draw_orders(table.recordings, pool, orders, seed)
    limits = budgets(pool, table.recordings[0], SHARES)
    choices = play_all(CONTENDERS, drawn, limits, slots, shared=shared)
    for limit in limits:
        show_budget(limit, make_lines(choices, drawn, limit), compare(choices, drawn, limit))
    show_notes()


def rank(recordings: Sequence[Recording]) -> None:
    """Print how well scores over one, three and all folds rank configurations."""
    epochs, folds = recordings[0].epochs, len(recordings[0].folds)
    rungs = Contender(TOGETHER, PROMOTE).make_rule(epochs, folds).levels
    counts = sorted({1, min(3, folds), folds})
    found = list(rankings(recordings, counts, (*rungs, epochs)))
    show_rankings(found, ranking_of_halves(recordings))


if __name__ == "__main__":
    # Processes run side by side, so each computes on one core.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app()
