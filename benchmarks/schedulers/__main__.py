"""Compare ways to search on a simulated cluster: `python -m benchmarks.schedulers --data ...`."""

import os
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands import new_app, tell, user_errors
from benchmarks.schedulers.contenders import CONTENDERS, RAY, chosen
from benchmarks.schedulers.figures import make_rows
from benchmarks.schedulers.lcbench import CHOOSING, LcbenchTask, read_tasks
from benchmarks.schedulers.load import measure_throughput, measure_worst_order
from benchmarks.schedulers.picture import check_picture, draw_picture
from benchmarks.schedulers.report import (
    show_comparison,
    show_savings,
    show_throughput,
    write_json,
)
from benchmarks.schedulers.runs import Conditions, Run, run_all

CHOOSING_TITLE = "tasks used for choosing"
HELD_OUT_TITLE = "tasks left alone"


class Tasks(StrEnum):
    """Which tasks are searched on."""

    CHOOSE = "choose"
    HELD_OUT = "held-out"
    ALL = "all"


class Order(StrEnum):
    """In which order configurations arrive."""

    WORST = "worst"


Picture = Annotated[Path | None, typer.Option(help="Draw regret over time, .svg or .png.")]
Names = Annotated[
    list[str] | None, typer.Option("--contender", help=f"{', '.join(CONTENDERS)}; repeatable.")
]
app = new_app()


@app.command()
@user_errors()
def schedulers(
    data: Annotated[Path | None, typer.Option(help="Folder of the learning curves.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trials that run at once.")] = 4,
    seeds: Annotated[int, typer.Option(min=1, help="Searches on each task.")] = 5,
    tasks: Annotated[Tasks, typer.Option(help="Tasks for choosing, those left alone.")] = Tasks.ALL,
    contender: Names = None,
    noise: Annotated[float, typer.Option(min=0, help="Of a seen score, in regret.")] = 0.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write JSON there.")] = None,
    picture: Picture = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    scale: Annotated[bool, typer.Option("--scale", help="10,000 trials, 1,024 workers.")] = False,
    order: Annotated[Order | None, typer.Option(help="Each trial better than the last.")] = None,
) -> None:
    """Print how soon each contender finds good configurations, on 34 tasks' learning curves."""
    names = tuple(chosen(contender or ()))
    if scale:
        show_throughput([measure_throughput(name) for name in contender or without_slow(names)])
    if order is Order.WORST:
        show_savings([measure_worst_order(name, workers) for name in names])
    if scale or order:
        return
    if picture:
        check_picture(picture)
    conditions = Conditions(names, workers, seeds, noise)
    found = compare(read_tasks(data), tasks, conditions, jobs)
    rows = {title: make_rows(runs) for title, runs in found.items()}
    show_comparison(rows)
    if json_file:
        write_json(json_file, conditions, rows, [run for runs in found.values() for run in runs])
    if picture:
        draw_picture(picture, found)


def without_slow(names: Sequence[str]) -> list[str]:
    """Leave Ray's way out: its sampler takes a second for the ten-thousandth proposal."""
    return [name for name in names if name != RAY]


def compare(
    tasks: Sequence[LcbenchTask], which: Tasks, conditions: Conditions, jobs: int
) -> dict[str, list[Run]]:
    """Return the runs of the two groups of tasks, as far as they are asked for."""
    groups = {CHOOSING_TITLE: tasks[:CHOOSING], HELD_OUT_TITLE: tasks[CHOOSING:]}
    titles = {
        Tasks.CHOOSE: [CHOOSING_TITLE],
        Tasks.HELD_OUT: [HELD_OUT_TITLE],
        Tasks.ALL: [*groups],
    }
    asked = [task for title in titles[which] for task in groups[title]]
    title_of = {task.name: title for title, group in groups.items() for task in group}
    found: dict[str, list[Run]] = {title: [] for title in titles[which]}
    started = time.monotonic()
    for number, runs in enumerate(run_all(asked, tasks[:CHOOSING], conditions, jobs), start=1):
        name = runs[0].task
        found[title_of[name]] += runs
        tell(f"{number}/{len(asked)} task {name} after {time.monotonic() - started:.0f} s")
    return found


if __name__ == "__main__":
    # Processes run side by side, so each computes on one core.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app()
