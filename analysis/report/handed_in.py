"""What was handed in? The ledger of submissions, and public scores against our own."""

from collections.abc import Sequence

from analysis.ledger import Estimate, Ledger, Submission, read_ledger
from analysis.public_fit import fit_figure, scored, sentence
from analysis.report.section import Block, Drawing, Section, Table, Text
from trainable.locations import Location
from trainable.settings import UserError

ANCHOR, TITLE = "submissions", "Submissions"
SHOWN = 12
HOW_TO_SCORE = (
    "Public scores are drawn against ours when one is entered of a submission that has both: "
    "python -m analysis.submissions --score <number>=<macro-F1>"
)


def submissions_section(runs: Location) -> Section:
    """Show every submission of the folder of experiments, the latest first."""
    try:
        ledger = read_ledger(runs)
    except UserError as error:
        return Section(ANCHOR, TITLE, [Text(f"The ledger cannot be read: {error}.")])
    blocks: list[Block] = []
    if ledger.submissions:
        blocks += [*_public_scores(ledger), _table(ledger.submissions[::-1])]
    else:
        blocks.append(Text("No submission is recorded yet: python -m analysis.ensemble makes one."))
    blocks += [
        Text(f"Line {line} of the ledger is damaged: {reason}.", quiet=True)
        for line, reason in ledger.damaged.items()
    ]
    return Section(ANCHOR, TITLE, blocks)


def _public_scores(ledger: Ledger) -> list[Block]:
    try:
        submissions, others = scored(ledger)
    except UserError:
        return [Text(HOW_TO_SCORE, quiet=True)]
    blocks: list[Block] = [
        Text(f"{sentence(submissions)}."),
        Drawing("public", fit_figure(submissions)),
    ]
    if others:
        blocks.append(Text(f"{others} scored for other eval images are not drawn.", quiet=True))
    return blocks


def _table(submissions: Sequence[Submission]) -> Table:
    headings = [
        "submission",
        "when (UTC)",
        "experiment",
        "method",
        "members",
        "out-of-fold",
        "public",
    ]
    rows = [
        [
            one.label,
            one.entry.at.replace("T", " ").removesuffix("+00:00"),
            one.entry.experiment,
            one.entry.method,
            ", ".join(one.entry.members),
            _estimate(one.entry.out_of_fold),
            f"{one.entry.public.macro_f1:.4f}" if one.entry.public else "",
        ]
        for one in submissions
    ]
    return Table("ledger", headings, rows, shown=SHOWN)


def _estimate(found: Estimate | None) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" if found else ""
