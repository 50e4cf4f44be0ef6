"""Which labels look wrong? Persons for people to look at, and a file that corrects them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.commands import (
    RUNS,
    ExperimentOption,
    RunsOption,
    new_app,
    tell,
    user_errors,
    with_folder,
)
from analysis.fix_file import write_fixes
from analysis.labels_page import labels_page
from analysis.members import chosen_members
from analysis.output import FormatOption, Row, show_data, show_table
from analysis.person_evidence import TASK_OF_KIND, Kind, Numbers
from analysis.predictions import read_validation
from analysis.results import Trial, data_folder, load_experiment
from analysis.suspects import Suspect, find_suspects
from trainable.files import write_text
from trainable.settings import UserError, printable
from trainable.store import LATEST, ExperimentFolder
from trainable.table import read_table

SHOWN, ON_PAGE = 20, 100
"""Suspects in the table, and on the page."""
SURE = 0.5

app = new_app()


@app.command()
@user_errors()
def labels(
    top: Annotated[int | None, typer.Option(help="How many of the best trials judge.")] = None,
    trials: Annotated[
        str | None, typer.Option(help="Exactly these trials judge: names with commas between.")
    ] = None,
    sure: Annotated[
        float, typer.Option(min=0, max=1, help="Correct labels that are wrong so probably.")
    ] = SURE,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=with_folder, help="Where to write the fixes.", show_default="label_fixes.csv"
        ),
    ] = None,
    runs: RunsOption = RUNS,
    experiment: ExperimentOption = LATEST,
    form: FormatOption = "table",
) -> None:
    """List persons whose labels look wrong, show their faces, and write a file of fixes."""
    found = load_experiment(runs, experiment)
    folder, members = found.folder, chosen_members(found, top, trials)
    images = folder.read_images()
    stacks, judged = _judged(members, images)
    named = find_suspects(stacks, judged)
    sentences = [*_unjudged(images, judged), *_changed_data(folder, images)]
    for sentence in sentences:
        tell(f"note: {sentence}")
    fixed = [one for one in named if one.confidence >= sure]
    target = out or folder.label_fixes
    for person in write_fixes(target, fixed):
        tell(f"note: {person} is not in {target}: a spreadsheet would run the name as a formula")
    data = data_folder(folder.read_record())
    page = labels_page(folder.name, named[:ON_PAGE], judged, data, sentences)
    write_text(folder.labels_page, page)
    _show(form, folder.name, named)
    tell(
        f"wrote {folder.labels_page}: {min(len(named), ON_PAGE)} faces\n"
        f"wrote {target}: {len(fixed)} of {len(named)}, those with confidence {sure:g} and more; "
        f"look at them, then train with data.label_fixes={target}"
    )


def _judged(
    members: Sequence[Trial], images: pd.DataFrame
) -> tuple[Mapping[Kind, Sequence[Numbers]], pd.DataFrame]:
    """Return for each kind what the trials that can tell it predict, and of which images."""
    found = read_validation(members, images)
    if found.note:
        tell(f"note: {found.note}")
    able: dict[Kind, list[Numbers]] = {
        kind: [own for own, trial in zip(found.stack, members, strict=True) if task in trial.tasks]
        for kind, task in TASK_OF_KIND.items()
    }
    for kind, stack in able.items():
        if not stack:
            tell(f"note: {kind} is not looked at: none of the trials answers {TASK_OF_KIND[kind]}")
    return {kind: stack for kind, stack in able.items() if stack}, images.loc[found.rows]


def _unjudged(images: pd.DataFrame, judged: pd.DataFrame) -> list[str]:
    everybody, seen = images["person"].nunique(), judged["person"].nunique()
    if seen == everybody:
        return []
    return [
        f"{everybody - seen} of {everybody} persons were not looked at: the trials predicted the "
        "others alone; cv.folds=3 and more predict everybody"
    ]


def _changed_data(folder: ExperimentFolder, images: pd.DataFrame) -> list[str]:
    """Say where the data are no longer those that the trials were trained on."""
    data = data_folder(folder.read_record())
    try:
        now = read_table(data.root, follow_links=data.follow_links).images.set_index("image")[
            "label"
        ]
    except UserError as error:
        return [f"the data cannot be read, faces may be missing: {error}"]
    before = images.set_index("image")["label"]
    persons = images["person"][(now.reindex(before.index) != before).to_numpy()].nunique()
    if not persons:
        return []
    return [f"{data.root} has changed since: {persons} person(s) have other images or labels now"]


def _show(form: str, name: str, named: Sequence[Suspect]) -> None:
    rows = [_row(place, one) for place, one in enumerate(named, start=1)]
    if form in ("json", "csv"):
        show_data(form, rows)
    elif rows:
        more = [f"and {len(rows) - SHOWN} less sure ones"] if len(rows) > SHOWN else []
        show_table(f"{name}: labels that look wrong", rows[:SHOWN], more)
    else:
        print(printable(f"{name}: no label looks wrong"))


def _row(place: int, one: Suspect) -> Row:
    return {
        "#": place,
        "person": one.person,
        "age": f"{one.age:g}",
        "kind": one.kind,
        "given": one.given,
        "suggested": one.suggested,
        "confidence": one.confidence,
    }


if __name__ == "__main__":
    app()
