"""What was handed in? The ledger of submissions, and public scores against our own."""

from collections.abc import Sequence
from pathlib import Path

from analysis.ledger import Estimate, Submission, read_ledger
from analysis.report.section import Block, Section, Table, Text
from trainable.settings import UserError

ANCHOR, TITLE = "submissions", "Submissions"
SHOWN = 12


def submissions_section(runs: Path) -> Section:
    """Show every submission of the folder of experiments, the latest first."""
    try:
        ledger = read_ledger(runs)
    except UserError as error:
        return Section(ANCHOR, TITLE, [Text(f"The ledger cannot be read: {error}.")])
    blocks: list[Block] = []
    if ledger.submissions:
        blocks.append(_table(ledger.submissions[::-1]))
    else:
        blocks.append(Text("No submission is recorded yet: python -m analysis.ensemble makes one."))
    blocks += [
        Text(f"Line {line} of the ledger is damaged: {reason}.", quiet=True)
        for line, reason in ledger.damaged.items()
    ]
    return Section(ANCHOR, TITLE, blocks)


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
