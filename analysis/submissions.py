"""What was handed in? Lists, compares and scores the submissions of the ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from analysis.added import add
from analysis.changes import BEST, Changes, best_submissions, changes, majority
from analysis.commands import (
    RUNS,
    ExperimentOption,
    RunsOption,
    new_app,
    tell,
    user_errors,
    with_folder,
)
from analysis.ledger import (
    Ledger,
    PublicScore,
    Submission,
    enter_score,
    find,
    read_ledger,
    stored_answers,
)
from analysis.output import Format, FormatOption, show_data, show_table
from analysis.public_fit import fit_page, scored, sentence
from analysis.submission_rows import (
    MOST_MOVES,
    change_rows,
    changed_images,
    entry_lines,
    entry_rows,
    move_rows,
)
from trainable.files import write_text
from trainable.locations import Location
from trainable.settings import UserError
from trainable.spreadsheet import for_spreadsheets
from trainable.store import LATEST, open_experiment
from trainable.submissions import SubmissionsFolder

Out = Path | None
app = new_app()


@app.command()
@user_errors()
def submissions(
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Count what submission B answers otherwise than A."),
    ] = None,
    consensus: Annotated[
        str | None,
        typer.Option(metavar="A", help=f"Compare A with the majority of the best {BEST} others."),
    ] = None,
    score: Annotated[
        str | None, typer.Option(metavar="A=F1", help="Enter A's public macro-F1, from 0 to 1.")
    ] = None,
    accuracy: Annotated[
        float | None, typer.Option(help="With --score: the public accuracy, from 0 to 1.")
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Draw public against out-of-fold scores, as HTML.")
    ] = False,
    add_file: Annotated[
        Path | None,
        typer.Option("--add", help="Record a CSV of ImageID,ans that was made elsewhere."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=with_folder,
            help="Where to write: a CSV of what differs, or with --fit the page.",
        ),
    ] = None,
    runs: RunsOption = RUNS,
    experiment: ExperimentOption = LATEST,
    form: FormatOption = "table",
) -> None:
    """List submissions, or do with them what the options say.

    A and B are numbers, the first digits of hashes, or `latest`.
    """
    asked = [one for one in (compare, consensus, score, add_file, fit or None) if one is not None]
    if len(asked) > 1:
        raise UserError("choose one of --compare, --consensus, --score, --fit and --add")
    if accuracy is not None and score is None:
        raise UserError("--accuracy goes with --score A=F1")
    if out is not None and compare is None and consensus is None and not fit:
        raise UserError("--out goes with --compare, --consensus or --fit")
    if score is not None:
        return _enter(runs, score, accuracy)
    if add_file is not None:
        return tell(add(open_experiment(runs, experiment), add_file).sentence)
    ledger = _told_ledger(runs)
    if compare is not None:
        return _compare(runs, [find(ledger, name) for name in compare], form, out)
    if consensus is not None:
        return _consensus(runs, ledger, find(ledger, consensus), form, out)
    if fit:
        return _fit(runs, ledger, out)
    return _list(runs, ledger, form)


def public_score(text: str, accuracy: float | None) -> tuple[str, PublicScore]:
    """Return the submission and the score of `A=0.7765`; UserError says what is wrong with it."""
    name, is_given, value = text.rpartition("=")
    try:
        macro_f1 = float(value)
    except ValueError:
        is_given, macro_f1 = "", 0.0
    if not is_given or not name:
        raise UserError(f"--score {text}: write a submission, = and its macro-F1, as in 3=0.7765")
    for word, share in ((f"--score {text}", macro_f1), (f"--accuracy {accuracy}", accuracy)):
        if share is not None and not 0 <= share <= 1:
            hint = f"; did you mean {share / 100:g}?" if 1 < share <= 100 else ""
            raise UserError(f"{word}: a public score is from 0 to 1{hint}")
    return name.strip(), PublicScore(macro_f1=macro_f1, accuracy=accuracy)


def _told_ledger(runs: Location) -> Ledger:
    ledger = read_ledger(runs)
    for number, reason in ledger.damaged.items():
        file = SubmissionsFolder(runs).ledger
        tell(f"warning: {file}, line {number} is left out: {reason}")
    return ledger


def _list(runs: Location, ledger: Ledger, form: Format) -> None:
    if not ledger.submissions:
        raise UserError(f"no submission in {runs}; make one with python -m analysis.ensemble")
    if form == "table":
        show_table(f"submissions of {runs}", entry_lines(ledger.submissions))
    else:
        show_data(form, entry_rows(ledger.submissions))


def _enter(runs: Location, text: str, accuracy: float | None) -> None:
    name, public = public_score(text, accuracy)
    found = enter_score(runs, name, public)
    tell(f"submission {found.label}: public macro-F1 {public.macro_f1:g}")


def _compare(runs: Location, pair: Sequence[Submission], form: Format, out: Out) -> None:
    first, second = pair
    found = changes(*(stored_answers(runs, one) for one in pair))
    _show(f"from submission {first.label} to {second.label}", found, form, out)


def _consensus(runs: Location, ledger: Ledger, one: Submission, form: Format, out: Out) -> None:
    best = best_submissions(ledger, one.entry.eval_set, without=one)
    if not best:
        raise UserError(
            f"there is no other submission with a score for the eval images of {one.label}: no "
            "majority to compare it with"
        )
    agreed, tied = majority([stored_answers(runs, other) for other in best])
    tell(
        f"the majority of {', '.join(other.label for other in best)}, best first: by public score, "
        f"then by out-of-fold; {tied} ties go to the answer of the best"
    )
    found = changes(agreed, stored_answers(runs, one))
    _show(f"from the majority of {len(best)} to submission {one.label}", found, form, out)


def _show(title: str, found: Changes, form: Format, out: Out) -> None:
    if form == "table":
        show_table(title, change_rows(found))
        if moves := move_rows(found):
            show_table("", moves, [f"Of whole classes the {MOST_MOVES} most frequent moves."])
    else:
        show_data(form, [*change_rows(found), *move_rows(found)])
    if out:
        write_text(out, for_spreadsheets(changed_images(found)).to_csv(index=False))
        tell(f"wrote {out}: {len(found.rows)} images")


def _fit(runs: Location, ledger: Ledger, out: Out) -> None:
    known, others = scored(ledger)
    target = out or SubmissionsFolder(runs).fit_page
    write_text(target, fit_page(known, others))
    print(sentence(known))
    tell(f"wrote {target}")


if __name__ == "__main__":
    app()
