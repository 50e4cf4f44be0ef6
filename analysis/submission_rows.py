"""How do submissions and their differences stand in tables?"""

from collections.abc import Sequence

import pandas as pd

from analysis.changes import FIRST, SECOND, WHOLE, Changes
from analysis.ledger import SHORT, Submission
from analysis.output import Row
from trainable.labels import CLASS_NAMES, TASKS

MOST_MOVES = 10
"""Moves between classes of 18 that are shown."""


def entry_rows(submissions: Sequence[Submission]) -> list[Row]:
    """Return a line for each submission, for programs: all that is known of it, flat."""
    return [
        {
            "number": one.number,
            **one.entry.model_dump(exclude={"out_of_fold", "public", "members"}),
            "members": ",".join(one.entry.members),
            "out_of_fold": one.entry.out_of_fold and one.entry.out_of_fold.value,
            "low": one.entry.out_of_fold and one.entry.out_of_fold.low,
            "high": one.entry.out_of_fold and one.entry.out_of_fold.high,
            "public": one.entry.public and one.entry.public.macro_f1,
            "public_accuracy": one.entry.public and one.entry.public.accuracy,
        }
        for one in submissions
    ]


def entry_lines(submissions: Sequence[Submission]) -> list[Row]:
    """Return a line for each submission, for people."""
    return [
        {
            "#": one.number,
            "hash": one.entry.hash[:SHORT],
            "when (UTC)": one.entry.at[:16].replace("T", " "),
            "method": one.entry.method,
            "members": ", ".join(one.entry.members),
            "out-of-\nfold F1": one.entry.out_of_fold and one.entry.out_of_fold.value,
            "95 %\ninterval": _interval(one),
            "public\nF1": one.entry.public and one.entry.public.macro_f1,
        }
        for one in submissions
    ]


def change_rows(found: Changes) -> list[Row]:
    """Return a line for each task and for whole classes: how many images changed."""
    return [
        {"task": task, "changed": found.count(task), "images": found.images}
        for task in (*TASKS, WHOLE)
    ]


def move_rows(found: Changes) -> list[Row]:
    """Return from which class to which images went: all of each task, whole classes' frequent."""
    moves = [move for task in TASKS for move in found.moves(task)]
    moves += found.moves(WHOLE)[:MOST_MOVES]
    return [
        {"task": move.task, "from": move.first, "to": move.second, "images": move.images}
        for move in moves
    ]


def changed_images(found: Changes) -> pd.DataFrame:
    """Return a row for each changed image: its name, both classes, and what they mean."""
    table = found.rows.copy()
    for side in (FIRST, SECOND):
        table[f"{side} class"] = [CLASS_NAMES[label] for label in table[side]]
    return table


def _interval(one: Submission) -> str:
    own = one.entry.out_of_fold
    return f"{own.low:.3f}-{own.high:.3f}" if own else ""
