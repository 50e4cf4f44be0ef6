"""Do the best trials answer better together? Members and their vote, and the submission."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.commands import RUNS, ExperimentOption, RunsOption, new_app, tell, user_errors
from analysis.members import best_members, named_members
from analysis.output import METRIC_HEADINGS, FormatOption, Row, show_data, show_table
from analysis.predictions import read_eval, read_validation
from analysis.results import Experiment, Trial, load_experiment
from analysis.submission import (
    SUBMISSION,
    held_out_answers,
    images_to_answer,
    write_submission,
)
from analysis.voting import ENSEMBLE, Classes, Method, ballot
from trainable.config import UserError
from trainable.metrics import SCORE, scores
from trainable.store import LATEST, ExperimentFolder

DEFAULT_TOP = 3
HELD_OUT_METRICS = (SCORE, "accuracy")
HEADINGS = {
    **METRIC_HEADINGS,
    f"held_out_{SCORE}": "held-out\nF1",
    "held_out_accuracy": "held-out\naccuracy",
}
Answers = Mapping[str, Classes]
"""Who answers -> the class of each image."""
Scores = Mapping[str, Mapping[str, float]]
"""Who answers -> metric -> score."""

app = new_app()


@app.command()
@user_errors()
def ensemble(
    top: Annotated[
        int | None,
        typer.Option(help="How many of the best trials vote.", show_default=str(DEFAULT_TOP)),
    ] = None,
    trials: Annotated[
        str | None, typer.Option(help="Exactly these trials vote: names with commas between.")
    ] = None,
    method: Annotated[
        Method, typer.Option(help="soft: highest mean probability; hard: majority.")
    ] = "soft",
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write.", show_default="submission.csv of the experiment"),
    ] = None,
    runs: RunsOption = RUNS,
    experiment: ExperimentOption = LATEST,
    form: FormatOption = "table",
) -> None:
    """Let the best trials vote, compare the vote with its members, and write submission.csv."""
    found = load_experiment(runs, experiment)
    members = _members(found, top, trials)
    images = images_to_answer(found.folder)
    names = [trial.name for trial in members]
    answers = ballot(names, read_eval(members, images).stack, method)
    rows = _rows(
        _out_of_fold_scores(found.folder, members, method),
        _held_out_scores(found.folder, images, answers),
    )
    target = out or found.folder.path / SUBMISSION
    write_submission(target, images, answers[ENSEMBLE])
    if form == "table":
        show_table(f"{found.folder.name}: {method} vote, scored out-of-fold", _lines(rows))
    else:
        show_data(form, rows)
    tell(f"wrote {target}: {len(images)} images")


def _members(experiment: Experiment, top: int | None, trials: str | None) -> list[Trial]:
    if trials is not None and top is not None:
        raise UserError("choose --top or --trials, not both")
    if trials is not None:
        return named_members(experiment, [name.strip() for name in trials.split(",")])
    for damaged in experiment.damaged:
        tell(f"warning: {damaged.name} is left out: {damaged.reason}")
    return best_members(experiment, DEFAULT_TOP if top is None else top)


def _out_of_fold_scores(
    folder: ExperimentFolder, members: Sequence[Trial], method: Method
) -> Scores:
    images = folder.read_images()
    found = read_validation(members, images)
    labels = images.loc[found.rows, "label"].to_numpy()
    answers = ballot([trial.name for trial in members], found.stack, method)
    return {name: scores(labels, given) for name, given in answers.items()}


def _held_out_scores(folder: ExperimentFolder, images: pd.DataFrame, answers: Answers) -> Scores:
    labels = held_out_answers(folder.read_record().data_root, images)
    if labels is None:
        return {}
    return {name: scores(labels, given) for name, given in answers.items()}


def _rows(out_of_fold: Scores, held_out: Scores) -> list[Row]:
    rows: list[Row] = []
    for name, found in out_of_fold.items():
        known = {metric: found[metric] for metric in METRIC_HEADINGS}
        if held_out:
            known |= {f"held_out_{metric}": held_out[name][metric] for metric in HELD_OUT_METRICS}
        rows.append({"member": name, **known})
    return rows


def _lines(rows: Sequence[Row]) -> list[Row]:
    return [{HEADINGS.get(name, name): value for name, value in row.items()} for row in rows]


if __name__ == "__main__":
    app()
