"""Do the best trials answer better together? Members and their vote, and the submission."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from analysis.commands import RUNS, ExperimentOption, RunsOption, new_app, tell, user_errors
from analysis.members import best_members, named_members
from analysis.output import FormatOption, Row, show_data, show_table
from analysis.predictions import read_eval, read_validation
from analysis.results import Experiment, Trial, load_experiment
from analysis.submission import (
    SUBMISSION,
    held_out_answers,
    images_to_answer,
    write_submission,
)
from trainable.labels import TASKS
from trainable.metrics import METRIC_HEADINGS, SCORE, scores
from trainable.settings import UserError
from trainable.store import LATEST, ExperimentFolder
from trainable.voting import VOTES, Stack, Vote

DEFAULT_TOP = 3
HELD_OUT_METRICS = (SCORE, "accuracy")
HEADINGS = {
    **METRIC_HEADINGS,
    f"held_out_{SCORE}": "held-out\nF1",
    "held_out_accuracy": "held-out\naccuracy",
}
ENSEMBLE = "ensemble"
"""The name of the vote beside its members."""
Answers = Mapping[str, NDArray[np.integer]]
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
        str | None,
        typer.Option(
            help="Exactly these trials vote: names with commas between, or <experiment>/<trial>."
        ),
    ] = None,
    method: Annotated[
        Vote,
        typer.Option(
            help="soft: highest mean probability; hard: majority; task: mask, gender and age, "
            "each by the trials that were trained for it."
        ),
    ] = "soft",
    final: Annotated[
        bool, typer.Option("--final", help="Submit what trainings on all persons predict.")
    ] = False,
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
    refuse_lone_tasks(members, method)
    images = images_to_answer(found.folder)
    answers = ballot(members, read_eval(members, images, final=final).stack, method)
    rows = _rows(
        _out_of_fold_scores(found.folder, members, method),
        _held_out_scores(found.folder, images, members, answers),
    )
    target = out or found.folder.path / SUBMISSION
    write_submission(target, images, answers[ENSEMBLE])
    if form == "table":
        show_table(f"{found.folder.name}: {method} vote, scored out-of-fold", _lines(rows))
    else:
        show_data(form, rows)
    tell(f"wrote {target}: {len(images)} images")


def ballot(members: Sequence[Trial], stack: Stack, method: Vote) -> Answers:
    """Return what each of M members answers alone, by name, and last what they answer together."""
    alone = {trial.name: own.argmax(axis=1) for trial, own in zip(members, stack, strict=True)}
    together = VOTES[method](stack, [trial.tasks for trial in members])
    return {**alone, ENSEMBLE: together.argmax(axis=1)}


def refuse_lone_tasks(members: Sequence[Trial], method: Vote) -> None:
    """Raise UserError where the vote would leave a task open, or mix trials of different tasks."""
    unanswered = set(TASKS).difference(*(trial.tasks for trial in members))
    if unanswered:
        names, missing = (
            ", ".join(trial.name for trial in members),
            " and ".join(sorted(unanswered)),
        )
        raise UserError(
            f"{names} cannot tell {missing}: they were trained for other tasks; name trials for "
            "every task with --trials a,b,c --method task"
        )
    for trial in members:
        if trial.tasks != TASKS and method != "task":
            raise UserError(
                f"{trial.name} answers {' and '.join(trial.tasks)} alone: --method {method} asks "
                "each trial for all tasks, --method task only for its own"
            )


def _members(experiment: Experiment, top: int | None, trials: str | None) -> list[Trial]:
    if trials is not None and top is not None:
        raise UserError("choose --top or --trials, not both")
    if trials is not None:
        return named_members(experiment, [name.strip() for name in trials.split(",")])
    for damaged in experiment.damaged:
        tell(f"warning: {damaged.name} is left out: {damaged.reason}")
    return best_members(experiment, DEFAULT_TOP if top is None else top)


def _out_of_fold_scores(folder: ExperimentFolder, members: Sequence[Trial], method: Vote) -> Scores:
    images = folder.read_images()
    found = read_validation(members, images)
    if found.note:
        tell(f"note: {found.note}")
    labels = images.loc[found.rows, "label"].to_numpy()
    return _scores(labels, members, ballot(members, found.stack, method))


def _held_out_scores(
    folder: ExperimentFolder, images: pd.DataFrame, members: Sequence[Trial], answers: Answers
) -> Scores:
    labels = held_out_answers(folder.read_record().data_root, images)
    return {} if labels is None else _scores(labels, members, answers)


def _scores(labels: NDArray[np.integer], members: Sequence[Trial], answers: Answers) -> Scores:
    tasks = {trial.name: trial.tasks for trial in members} | {ENSEMBLE: TASKS}
    return {name: scores(labels, given, tasks[name]) for name, given in answers.items()}


def _rows(out_of_fold: Scores, held_out: Scores) -> list[Row]:
    rows: list[Row] = []
    for name, found in out_of_fold.items():
        known = {metric: found.get(metric) for metric in METRIC_HEADINGS}
        if held_out:
            other = held_out[name]
            known |= {f"held_out_{metric}": other.get(metric) for metric in HELD_OUT_METRICS}
        rows.append({"member": name, **known})
    return rows


def _lines(rows: Sequence[Row]) -> list[Row]:
    return [{HEADINGS.get(name, name): value for name, value in row.items()} for row in rows]


if __name__ == "__main__":
    app()
