"""Are planted wrong labels found? `python -m benchmarks.wrong_labels --data demo`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.commands import new_app, user_errors
from analysis.members import DEFAULT_TOP, best_members
from analysis.output import Row, show_table
from analysis.person_evidence import TASK_OF_KIND, Kind, Numbers
from analysis.predictions import Predictions, read_validation
from analysis.results import load_experiment
from analysis.suspects import Suspect, find_suspects
from benchmarks.wrong_labels.plant import Planted, plant, plant_in_table
from trainable.config import DEMO, DataConfig
from trainable.dataset import data_root
from trainable.fit import main as fit
from trainable.store import LATEST

NAME = "planted"
app = new_app()


@app.command()
@user_errors()
def wrong_labels(
    data: Annotated[str, typer.Option(help="Data folder, or the demo data.")] = DEMO,
    stored: Annotated[
        Path | None,
        typer.Option(help="Train nothing: plant in the stored labels of the latest of these runs."),
    ] = None,
    share: Annotated[float, typer.Option(help="Share of persons with a wrong gender.")] = 0.02,
    seeds: Annotated[int, typer.Option(min=1, help="Times, with other persons each.")] = 1,
    words: Annotated[
        list[str] | None, typer.Argument(help="Settings of the trial, as of trainable.fit.")
    ] = None,
) -> None:
    """Make some labels wrong, and count how many of them are among as many listed first.

    One trial is trained on a copy of the data with wrong labels. With --stored, networks that were
    trained on the right ones are asked, which is easier.
    """
    root = data_root(DataConfig(root=data)).resolve()
    rows: list[Row] = []
    for seed in range(seeds):
        found = (
            in_stored(stored, share, seed) if stored else trained(root, share, seed, words or [])
        )
        rows += counts(*found)
    mean = pd.DataFrame(rows).groupby("labels", sort=False).mean().T.to_dict()
    lines = [{"labels": name, **found} for name, found in mean.items()]
    show_table(f"planted labels, mean of {seeds}", lines)


def trained(
    root: Path, share: float, seed: int, words: Sequence[str]
) -> tuple[list[Suspect], Planted]:
    """Train a trial on a copy of ``root`` with wrong labels; return whom it suspects, and them."""
    with tempfile.TemporaryDirectory() as folder:
        copy, runs = Path(folder) / "data", Path(folder) / "runs"
        planted = plant(root, copy, share, seed)
        where = [
            f"data.root={copy}",
            "data.follow_links=true",
            f"search.runs={runs}",
            f"search.name={NAME}",
        ]
        fit(["cv.folds=3", *words, *where])
        found = load_experiment(runs, NAME)
        images = found.folder.read_images()
        return _suspects(read_validation(best_members(found, 1), images), images), planted


def in_stored(runs: Path, share: float, seed: int) -> tuple[list[Suspect], Planted]:
    """Return whom the three best stored trials suspect where labels were made wrong, and these."""
    found = load_experiment(runs, LATEST)
    images, planted = plant_in_table(found.folder.read_images(), share, seed)
    return _suspects(read_validation(best_members(found, DEFAULT_TOP), images), images), planted


def _suspects(predicted: Predictions, images: pd.DataFrame) -> list[Suspect]:
    stacks: dict[Kind, list[Numbers]] = {kind: list(predicted.stack) for kind in TASK_OF_KIND}
    return find_suspects(stacks, images.loc[predicted.rows])


def counts(suspects: Sequence[Suspect], planted: Planted) -> list[Row]:
    """Return a line for each kind, and for both together: of so many first, so many planted.

    Labels that were wrong before count as not planted, so that what is found is at least this.
    """
    kinds = {"gender": planted.gender, "swapped": planted.swapped}
    both = {(kind, person) for kind, persons in kinds.items() for person in persons}
    lines = [
        _line(kind, [one for one in suspects if one.kind == kind], {(kind, p) for p in persons})
        for kind, persons in kinds.items()
    ]
    return [*lines, _line("all", suspects, both)]


def _line(name: str, suspects: Sequence[Suspect], planted: set[tuple[str, str]]) -> Row:
    hits = [(one.kind, one.person) in planted for one in suspects]
    first = sum(hits[: len(planted)])
    return {
        "labels": name,
        "planted": len(planted),
        "listed": len(suspects),
        "of them planted": sum(hits),
        "planted among as many first": first,
        "share": first / max(1, len(planted)),
    }


if __name__ == "__main__":
    app()
