"""Are planted wrong labels found? `python -m benchmarks.wrong_labels --data demo`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands import new_app, tell, user_errors
from analysis.members import best_members
from analysis.output import Row, show_table
from analysis.person_evidence import TASK_OF_KIND
from analysis.predictions import read_validation
from analysis.results import load_experiment
from analysis.suspects import Suspect, find_suspects
from benchmarks.wrong_labels.plant import Planted, plant
from trainable.config import DEMO, DataConfig
from trainable.dataset import data_root
from trainable.fit import main as fit

app = new_app()


@app.command()
@user_errors()
def wrong_labels(
    data: Annotated[str, typer.Option(help="Data folder, or the demo data.")] = DEMO,
    share: Annotated[float, typer.Option(help="Share of persons with a wrong gender.")] = 0.02,
    seed: Annotated[int, typer.Option(help="Seed that chooses the persons.")] = 0,
    words: Annotated[
        list[str] | None, typer.Argument(help="Settings of the trial, as of trainable.fit.")
    ] = None,
) -> None:
    """Train one trial on a copy with wrong labels, and count how many of them are listed first."""
    root = data_root(DataConfig(root=data)).resolve()
    with tempfile.TemporaryDirectory() as folder:
        copy, runs = Path(folder) / "data", Path(folder) / "runs"
        planted = plant(root, copy, share, seed)
        tell(f"planted {len(planted.gender)} wrong genders and {len(planted.swapped)} swaps")
        name = "planted"
        fit(
            [
                "cv.folds=3",
                *(words or []),
                f"data.root={copy}",
                f"search.runs={runs}",
                f"search.name={name}",
            ]
        )
        rows = counts(listed(runs, name), planted)
    show_table("planted labels among those listed first", rows)


def listed(runs: Path, experiment: str) -> list[Suspect]:
    """Return the suspects of an experiment with one trial, the surest first."""
    found = load_experiment(runs, experiment)
    images = found.folder.read_images()
    predicted = read_validation(best_members(found, 1), images)
    stacks = {kind: list(predicted.stack) for kind in TASK_OF_KIND}
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
