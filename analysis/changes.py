"""Where do submissions answer differently, and where does one leave the majority of the best?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.ledger import Ledger, Submission
from analysis.submission import IMAGE
from trainable.labels import CLASS_COUNT, CLASS_NAMES, TASK_CLASSES, decode
from trainable.settings import UserError

BEST = 5
"""So many submissions make the majority, as on the teams' consensus sheet."""
WHOLE = "class"
"""What is counted beside the three tasks: images of which any of them changed."""
FIRST, SECOND = "from", "to"


@dataclass(frozen=True)
class Move:
    """So many images went from one class of a task to another."""

    task: str
    first: str
    second: str
    images: int


@dataclass(frozen=True)
class Changes:
    """What the second of two submissions answers differently.

    ``rows`` has the changed images, in the order of their names, with the columns ImageID, from
    and to (classes of 18); ``images`` counts all.
    """

    images: int
    rows: pd.DataFrame

    def count(self, task: str) -> int:
        """Return how many images changed in a task, or of WHOLE in any."""
        return sum(move.images for move in self.moves(task))

    def moves(self, task: str) -> list[Move]:
        """Return from which class to which images went, the most frequent first."""
        names = CLASS_NAMES if task == WHOLE else TASK_CLASSES[task]
        parts = [
            _part(self.rows[side].to_numpy(np.int64), task).tolist() for side in (FIRST, SECOND)
        ]
        counts = Counter(pair for pair in zip(*parts, strict=True) if pair[0] != pair[1])
        return [Move(task, names[a], names[b], n) for (a, b), n in counts.most_common()]


def changes(first: "pd.Series[int]", second: "pd.Series[int]") -> Changes:
    """Compare two submissions' answers by ImageID; UserError where they are of other images."""
    if set(first.index) != set(second.index):
        shared = len(set(first.index) & set(second.index))
        raise UserError(
            f"they answer different eval images, {len(first)} and {len(second)} with {shared} in "
            "common: only submissions for the same eval set compare"
        )
    table = pd.DataFrame({FIRST: first, SECOND: second}).sort_index()
    changed = table[table[FIRST] != table[SECOND]]
    return Changes(len(table), changed.rename_axis(IMAGE).reset_index())


def best_submissions(ledger: Ledger, eval_set: str, without: Submission) -> list[Submission]:
    """Return up to BEST other submissions for an eval set, best first.

    Those with a public score come first, by it; then the others by their out-of-fold score. The two
    are not on one scale. Those with neither are left out; of equals the older is first.
    """
    others = [
        one
        for one in ledger.submissions
        if one.entry.eval_set == eval_set
        and one.number != without.number
        and (one.entry.public or one.entry.out_of_fold)
    ]
    return sorted(others, key=_rank, reverse=True)[:BEST]


def majority(answers: Sequence["pd.Series[int]"]) -> tuple["pd.Series[int]", int]:
    """Return the most frequent class of each image, and how many images had several.

    ``answers`` come best first: between classes named equally often, the one that the best of
    their submissions names is taken.
    """
    table = pd.concat(answers, axis=1)
    named = table.to_numpy()[..., np.newaxis] == np.arange(CLASS_COUNT)
    votes = named.sum(axis=1)
    # Smaller than a vote, and those of all after it together less than that of the one before.
    precedence = (named * 2.0 ** -np.arange(1, len(answers) + 1)[:, np.newaxis]).sum(axis=1)
    tied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
    best = (votes + precedence / 2).argmax(axis=1)
    return pd.Series(best, index=table.index), int(tied.sum())


def _part(classes: NDArray[np.int64], task: str) -> NDArray[np.int64]:
    return classes if task == WHOLE else decode(classes)[task]


def _rank(submission: Submission) -> tuple[bool, float, int]:
    public, own = submission.entry.public, submission.entry.out_of_fold
    score = public.macro_f1 if public else own.value if own else 0.0
    return public is not None, score, -submission.number
