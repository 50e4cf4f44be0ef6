"""Do the best trials answer better together? Methods compared, the submission from the best."""

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer

from analysis.answered import Answered, answer, listed_members
from analysis.commands import (
    RUNS,
    ExperimentOption,
    RunsOption,
    new_app,
    tell,
    user_errors,
    with_folder,
)
from analysis.ensemble_table import HeldOut, lines
from analysis.ensembles.built import Ask, build, methods_for
from analysis.ensembles.combining import Method
from analysis.ledger import Making, record
from analysis.members import DEFAULT_TOP, candidates, chosen_members
from analysis.output import FormatOption, show_data, show_table
from analysis.predictions import read_eval
from analysis.results import data_folder, load_experiment
from analysis.shift.shift import Correct
from analysis.submission import (
    IMAGE,
    SUBMISSION,
    held_out_answers,
    images_to_answer,
    write_submission,
)
from trainable.locations import Location
from trainable.store import LATEST, ExperimentFolder

Rules = Literal["auto", "offsets", "argmax"]
RULES = {"auto": (False, True), "offsets": (True,), "argmax": (False,)}

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
            help="Exactly these trials: names with commas between, or <experiment>/<trial>."
        ),
    ] = None,
    method: Annotated[
        Literal["auto", Method],
        typer.Option(
            help="log, soft: geometric or arithmetic mean; hard, rank: votes; single: the best "
            "trial; weighted, greedy, task, stack: chosen and weighted among all trials; auto: the "
            "simplest that is not clearly worse than the best."
        ),
    ] = "auto",
    rule: Annotated[
        Rules,
        typer.Option(help="offsets: rare classes are answered as often as macro-F1 asks for."),
    ] = "auto",
    correct: Annotated[
        Correct,
        typer.Option(
            "--prior-shift", help="Fit the rule to the shares that the eval images seem to have."
        ),
    ] = "auto",
    group_eval: Annotated[
        bool,
        typer.Option(
            "--group-eval", help="Find the eval images of each person, answer them together."
        ),
    ] = False,
    final: Annotated[
        bool, typer.Option("--final", help="Submit what trainings on all persons predict.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=with_folder,
            help="Where to write.",
            show_default="submission.csv of the experiment",
        ),
    ] = None,
    runs: RunsOption = RUNS,
    experiment: ExperimentOption = LATEST,
    form: FormatOption = "table",
) -> None:
    """Let the best trials answer together, compare how, and write and record submission.csv."""
    found = load_experiment(runs, experiment)
    members = chosen_members(found, top, trials)
    methods = methods_for(members, None if method == "auto" else method)
    images = images_to_answer(found.folder)
    read_eval(members, images, final=final)  # the best without eval probabilities are an error
    taking_part = members if trials else candidates(found, members, final=final)
    built = build(found.folder, taking_part, Ask(len(members), methods, RULES[rule]))
    if built.note:
        tell(f"note: {built.note}")
    stack = read_eval(built.trials, images, final=final).stack
    answered = answer(built, stack, correct, group_eval=group_eval)
    labels = held_out_answers(data_folder(found.folder.read_record()), images)
    held_out = None if labels is None else HeldOut(labels, stack)
    table = lines(built, answered.classes, held_out)
    # Kept before anything is shown, as who reads may stop in the middle.
    _keep(found.folder, answered, images, out or found.folder.path / SUBMISSION)
    if form == "table":
        title = f"{found.folder.name}: {built.chosen.name} of {listed_members(built)}"
        rows = [line.row(is_known=held_out is not None) for line in table]
        show_table(title, rows, ["", *answered.sentences])
    else:
        show_data(form, [line.data() for line in table])


def _keep(
    folder: ExperimentFolder, answered: Answered, images: pd.DataFrame, target: Location
) -> None:
    """Write the submission and enter it in the ledger beside the experiments."""
    write_submission(target, images, answered.classes)
    tell(f"wrote {target}: {len(images)} images")
    made = Making(
        experiment=folder.name,
        method=answered.built.chosen.name,
        members=list(answered.built.members),
        out_of_fold=answered.expected,
        file=str(target),
    )
    classes = pd.Series(answered.classes, index=images[IMAGE])
    tell(record(folder.path.parent, classes, made).sentence)


if __name__ == "__main__":
    app()
