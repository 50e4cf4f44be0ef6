"""Measure a search beside the limit and beside Ray's guide: `python -m benchmarks`."""

import itertools
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands import new_app, tell, user_errors
from benchmarks.figures import make_figures
from benchmarks.images import measure_images
from benchmarks.limit import measure_limit
from benchmarks.recipes import measure_folds, measure_recipes
from benchmarks.report import show, write_json
from benchmarks.samples import Sample
from benchmarks.search import measure_guide, measure_large, measure_search
from benchmarks.task import Task
from trainable.config import DEMO, DataConfig
from trainable.dataset import data_root
from trainable.table import read_table

Step = Callable[[Task], list[Sample]]


class Part(StrEnum):
    """What can be measured by itself."""

    LIMIT = "limit"
    SEARCH = "search"
    GUIDE = "guide"
    LARGE = "large"
    IMAGES = "images"
    RECIPES = "recipes"
    FOLDS = "folds"


app = new_app()


@app.command()
@user_errors()
def bench(
    data: Annotated[str, typer.Option(help="Data folder, or the demo data.")] = DEMO,
    only: Annotated[list[Part] | None, typer.Option(help="Measure this part; repeatable.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Times to measure all of it.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write JSON there.")] = None,
) -> None:
    """Print the speed of a search, in epochs a minute and as ratios, and where its time goes."""
    root = data_root(DataConfig(root=data)).resolve()
    read_table(root)
    steps = schedule(only or list(Part)) * repeats
    samples, failures = measure(Task(root), steps)
    figures = make_figures(samples)
    show(figures, failures)
    if json_file:
        write_json(json_file, figures, failures)
    raise typer.Exit(1 if failures else 0)


def schedule(parts: Sequence[Part]) -> list[str]:
    """Return the steps of the parts in turn; one that would follow itself is done once."""
    steps = [step for part in parts for step in STEPS_OF_PART[part]]
    return [step for step, _ in itertools.groupby(steps)]


def measure(task: Task, steps: Sequence[str]) -> tuple[list[Sample], list[str]]:
    """Return the samples of all steps, and of those that failed a sentence each."""
    samples: list[Sample] = []
    failures: list[str] = []
    for number, step in enumerate(steps, start=1):
        tell(f"{number}/{len(steps)} {step} ...")
        started = time.monotonic()
        try:
            samples += (measured := STEPS[step](task))
        except Exception as error:
            failures.append(f"{step}: {error}")
            tell(traceback.format_exc())
        else:
            tell(f"    {time.monotonic() - started:.0f} s: {in_words(measured)}")
    return samples, failures


def in_words(samples: Sequence[Sample]) -> str:
    """Return the first number of each name, for those who wait."""
    first = {sample.name: sample.value for sample in reversed(samples)}
    return ", ".join(f"{name} {first[name]:.3g}" for name in dict.fromkeys(s.name for s in samples))


STEPS: Mapping[str, Step] = {
    "limit": measure_limit,
    "search": measure_search,
    "guide": measure_guide,
    "large": measure_large,
    "images": measure_images,
    "recipes": measure_recipes,
    "folds": measure_folds,
}
STEPS_OF_PART: Mapping[Part, tuple[str, ...]] = {
    Part.LIMIT: ("limit",),
    Part.SEARCH: ("limit", "search", "limit"),
    Part.GUIDE: ("guide",),
    Part.LARGE: ("limit", "large", "limit"),
    Part.IMAGES: ("images",),
    Part.RECIPES: ("recipes",),
    Part.FOLDS: ("folds",),
}
"""What each part measures: searches between two measurements of the limit, as speeds drift."""

if __name__ == "__main__":
    app()
