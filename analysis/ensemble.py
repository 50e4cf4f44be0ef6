"""Do the best trials answer better together? Methods compared, the submission from the best."""

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer

from analysis.commands import RUNS, ExperimentOption, RunsOption, new_app, tell, user_errors
from analysis.ensemble_table import MOST_LISTED, HeldOut, lines
from analysis.ensembles.built import Ask, Built, build, methods_for
from analysis.ensembles.combining import Method
from analysis.ensembles.decision import decide, rule_sentence
from analysis.ensembles.expected import expected_interval
from analysis.grouping.eval_persons import grouped
from analysis.ledger import Estimate, Making, record
from analysis.members import DEFAULT_TOP, candidates, chosen_members
from analysis.output import FormatOption, show_data, show_table
from analysis.predictions import read_eval
from analysis.results import load_experiment
from analysis.shift.shift import Correct, shift_of
from analysis.submission import (
    IMAGE,
    SUBMISSION,
    held_out_answers,
    images_to_answer,
    write_submission,
)
from trainable.store import LATEST

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
        typer.Option(help="Where to write.", show_default="submission.csv of the experiment"),
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
    stack = read_eval(built.trials, images, final=final).stack
    joint = built.ensemble.combination(stack)
    persons = grouped(built, joint) if group_eval else None
    joint = persons.joint if persons else joint
    shift = shift_of(built, joint, correct)
    answers = decide(joint, shift.added)
    target = out or found.folder.path / SUBMISSION
    write_submission(target, images, answers)
    expected = _expected(built, len(images))
    labels = held_out_answers(found.folder.read_record().data_root, images)
    table = lines(built, answers, None if labels is None else HeldOut(labels, stack))
    if form == "table":
        title = f"{found.folder.name}: {built.chosen.name} of {_listed(built)}"
        rows = [line.row(is_known=labels is not None) for line in table]
        show_table(
            title,
            rows,
            [
                *_notes(built, expected, len(images)),
                *shift.sentences,
                *([persons.sentence] if persons else []),
            ],
        )
    else:
        show_data(form, [line.data() for line in table])
    tell(f"wrote {target}: {len(images)} images")
    made = Making(
        experiment=found.folder.name,
        method=built.chosen.name,
        members=list(built.members),
        out_of_fold=expected,
        file=str(target),
    )
    tell(record(runs, pd.Series(answers, index=images[IMAGE]), made).sentence)


def _expected(built: Built, images: int) -> Estimate:
    """Return the nested score and between what the score on so many eval images is expected."""
    known, chosen = built.known, built.chosen
    low, high = expected_interval(known.labels, known.persons, chosen.answers, images)
    return Estimate(value=chosen.score, low=low, high=high)


def _notes(built: Built, expected: Estimate, images: int) -> list[str]:
    """Return what a table cannot say: how sure the score is, why this method, which rule."""
    chosen, best = built.chosen, max(built.compared, key=lambda one: one.score)
    notes = [
        "",
        "Methods and the ensemble are scored on persons that they were not fitted to.",
        f"expected on the {images} eval images: macro-F1 {expected.value:.3f}, with 95 % from "
        f"{expected.low:.3f} to {expected.high:.3f}",
    ]
    if best is not chosen:
        behind = chosen.behind
        notes.append(
            f"{chosen.name} is the simplest that is not clearly worse than {best.name} "
            f"({behind.value:+.3f}, {behind.low:+.3f} to {behind.high:+.3f})"
        )
    if chosen.rule:
        notes.append(f"decision rule, added to logarithms: {rule_sentence(built.ensemble.added)}")
    return [*notes, *([f"note: {built.note}"] if built.note else [])]


def _listed(built: Built) -> str:
    names = list(built.members)
    shown = ", ".join(names[:MOST_LISTED])
    return shown + (f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else "")


if __name__ == "__main__":
    app()
