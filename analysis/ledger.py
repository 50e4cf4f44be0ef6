"""What was handed in, when, made how, and what did it score? The ledger of submissions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd
from pydantic import Field, ValidationError

from analysis.submission import ANSWER, IMAGE, read_answers
from trainable.files import write_text
from trainable.locations import Location
from trainable.settings import Section, UserError
from trainable.store import LATEST, now
from trainable.submissions import SubmissionsFolder

SHORT = 8
"""Digits of a hash that people are shown."""
DIGITS = 16
"""Digits of a hash that are kept."""


class Estimate(Section):
    """A macro-F1 on persons that were not trained on, and its 95 % interval."""

    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class PublicScore(Section):
    """What the competition's public leaderboard said."""

    macro_f1: float = Field(ge=0, le=1)
    accuracy: float | None = Field(default=None, ge=0, le=1)


class Making(Section):
    """How a submission was made."""

    experiment: str
    method: str
    members: list[str]
    out_of_fold: Estimate | None = Field(default=None, description="None: nobody measured it")
    file: str = Field(default="", description="where it was written, or read")


class Entry(Making):
    """A line of the ledger."""

    hash: str = Field(
        pattern="^[0-9a-f]{16}$", description="equal for equal answers, in whatever order"
    )
    eval_set: str = Field(description="equal for the same eval images")
    images: int = Field(ge=1)
    at: str = Field(description="ISO 8601, UTC")
    public: PublicScore | None = None


@dataclass(frozen=True)
class Submission:
    """An entry and its number, which is that of its line."""

    number: int
    entry: Entry

    @property
    def label(self) -> str:
        """What people call it: its number and the beginning of its hash."""
        return f"{self.number} ({self.entry.hash[:SHORT]})"


@dataclass(frozen=True)
class Ledger:
    """All submissions, oldest first, and what is wrong with damaged lines, by number."""

    submissions: list[Submission] = field(default_factory=list[Submission])
    damaged: dict[int, str] = field(default_factory=dict[int, str])


class Recorded(NamedTuple):
    """A submission, and whether its answers were not in the ledger before."""

    submission: Submission
    is_new: bool

    @property
    def sentence(self) -> str:
        """What people are told."""
        entry, label = self.submission.entry, self.submission.label
        if self.is_new:
            return f"recorded as submission {label}"
        return f"the same answers are submission {label} already: {entry.method}, {entry.at}"


def record(runs: Location, answers: "pd.Series[int]", made: Making) -> Recorded:
    """Keep a submission: the class of each image, by ImageID, and how it was made.

    The same answers are kept once, as they were made first; an out-of-fold score is added where
    none was known. Raises UserError where the ledger is busy, StorageError where it cannot be
    written.
    """
    folder = SubmissionsFolder(runs)
    entry = _entry(answers, made)
    with folder.changed() as lines:
        known = [one for one in _read(lines).submissions if one.entry.hash == entry.hash]
        if known:
            return Recorded(_completed(lines, known[0], made), is_new=False)
        table = pd.DataFrame({IMAGE: answers.index, ANSWER: answers.to_numpy()})
        write_text(folder.answers(entry.hash), table.to_csv(index=False))
        lines.append(entry.model_dump_json().encode())
        return Recorded(Submission(len(lines), entry), is_new=True)


def read_ledger(runs: Location) -> Ledger:
    """Return all submissions of the folder of experiments ``runs``."""
    return _read(SubmissionsFolder(runs).lines())


def enter_score(runs: Location, name: str, public: PublicScore) -> Submission:
    """Keep the public score of a submission, instead of one that was entered before."""
    with SubmissionsFolder(runs).changed() as lines:
        found = find(_read(lines), name)
        return _replace(lines, found, found.entry.model_copy(update={"public": public}))


def find(ledger: Ledger, name: str) -> Submission:
    """Return the submission of a number, of the beginning of a hash, or the latest one.

    Digits are a number where the ledger has it. Raises UserError where no submission is called so,
    or several are.
    """
    known = ledger.submissions
    if name == LATEST and known:
        return known[-1]
    found = [one for one in known if str(one.number) == name]
    found = found or [one for one in known if name and one.entry.hash.startswith(name.lower())]
    if len(found) != 1:
        raise _not_found(ledger, name, found)
    return found[0]


def stored_answers(runs: Location, submission: Submission) -> "pd.Series[int]":
    """Return the class of each image, by ImageID in the order of the names.

    Raises UserError where the file is missing, damaged, or no longer what was recorded.
    """
    file = SubmissionsFolder(runs).answers(submission.entry.hash)
    answers = read_answers(file).sort_index()
    if _digest(_lines(answers)) != submission.entry.hash:
        raise UserError(f"{file} was changed: it is not what submission {submission.label} was")
    return answers


def _entry(answers: "pd.Series[int]", made: Making) -> Entry:
    return Entry(
        **dict(made),
        hash=_digest(_lines(answers)),
        eval_set=_digest(sorted(map(str, answers.index))),
        images=len(answers),
        at=now(),
    )


def _lines(answers: "pd.Series[int]") -> list[str]:
    return sorted(f"{image},{answer}" for image, answer in answers.items())


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:DIGITS]


def _completed(lines: list[bytes], known: Submission, made: Making) -> Submission:
    if known.entry.out_of_fold or not made.out_of_fold:
        return known
    return _replace(lines, known, known.entry.model_copy(update=dict(made)))


def _replace(lines: list[bytes], old: Submission, entry: Entry) -> Submission:
    lines[old.number - 1] = entry.model_dump_json().encode()
    return Submission(old.number, entry)


def _read(lines: Sequence[bytes]) -> Ledger:
    ledger, seen = Ledger(), dict[str, int]()
    for number, line in enumerate(lines, start=1):
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError as error:
            ledger.damaged[number] = _cause(error)
            continue
        if entry.hash in seen:
            ledger.damaged[number] = f"the same answers as line {seen[entry.hash]}"
        else:
            ledger.submissions.append(Submission(number, entry))
            seen[entry.hash] = number
    return ledger


def _cause(error: ValidationError) -> str:
    problem = error.errors()[0]
    return ": ".join([*map(str, problem["loc"]), problem["msg"]])


def _not_found(ledger: Ledger, name: str, found: Sequence[Submission]) -> UserError:
    if found:
        labels = ", ".join(one.label for one in found)
        return UserError(f"several submissions begin with {name!r}: {labels}; write more of it")
    if not ledger.submissions:
        return UserError("no submission is recorded yet: python -m analysis.ensemble makes one")
    known = ", ".join(one.label for one in ledger.submissions)
    return UserError(f"no submission has the number or hash {name!r}; there are: {known}")
