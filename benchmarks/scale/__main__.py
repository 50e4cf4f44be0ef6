"""Measure what very many trials cost the driver: `python -m benchmarks.scale`."""

import cProfile
import os
import pstats
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.commands import new_app, tell, user_errors
from orchestrator.config import ClusterSection
from orchestrator.ray_settings import set_environment

if TYPE_CHECKING:
    from benchmarks.scale.meter import Costs

PATIENT_RAY = {
    # So many processes start slowly on few cores: a few at a time, and none before it is wanted.
    "RAY_worker_maximum_startup_concurrency": "4",
    "RAY_worker_register_timeout_seconds": "600",
    "RAY_prestart_worker_first_driver": "0",
}
PROFILED = 45
app = new_app()


class Part(StrEnum):
    """What can be measured by itself."""

    BARE = "bare"
    WHOLE = "whole"


@app.command()
@user_errors()
def scale(
    part: Annotated[Part, typer.Option(help="What of the driver: Ray alone, or all of it.")],
    trials: Annotated[int, typer.Option(min=2)] = 2000,
    slots: Annotated[int, typer.Option(min=1, help="Trials at once, a process each.")] = 128,
    results: Annotated[int, typer.Option(min=1, help="Of each trial.")] = 5,
    profile: Annotated[bool, typer.Option(help="Print where the driver's time goes.")] = False,
    word: Annotated[list[str] | None, typer.Option(help="Of the search; repeatable.")] = None,
) -> None:
    """Print what each result and each trial's start cost the driver, and how much it grew."""
    os.environ.update(PATIENT_RAY)
    set_environment(ClusterSection())
    # Ray reads the environment when it is imported.
    from benchmarks.scale.meter import costs_of
    from benchmarks.scale.searches import Asked, run_bare, run_whole

    asked = Asked(trials, results, slots, word or ())
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    marks = (run_bare if part == Part.BARE else run_whole)(asked)
    profiler.disable()
    show(part, costs_of(marks, slots))
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(PROFILED)
        pstats.Stats(profiler).sort_stats("cumtime").print_stats(2 * PROFILED)


def show(part: Part, costs: "Costs") -> None:
    """Print the costs in four lines."""
    tell(f"{part}: {costs.results} results and {costs.starts} starts while all slots were busy")
    tell(f"  a result: {costs.wall_per_result:.2f} ms, {costs.cpu_per_result:.2f} of them CPU")
    tell(f"  a start: {costs.wall_per_start:.1f} ms, {costs.cpu_per_start:.1f} of them CPU")
    tell(f"  memory: {costs.kib_per_trial:.0f} KiB a trial")


if __name__ == "__main__":
    app()
