"""Is a file that somebody else wrote a submission for these eval images?"""

from collections.abc import Iterable
from pathlib import Path

from analysis.ledger import Making, Recorded, record
from analysis.submission import IMAGE, images_to_answer, read_answers
from trainable.settings import UserError
from trainable.store import ExperimentFolder

METHOD = "added"
"""The method of a submission of which nobody said how it was made."""
NAMED = 3
"""Images that an error names."""


def add(folder: ExperimentFolder, file: Path) -> Recorded:
    """Record a file of ImageID,ans for the eval images of an experiment.

    Raises UserError where it leaves images out, has others, or answers with no class from 0 to 17.
    """
    answers, asked = read_answers(file), images_to_answer(folder)[IMAGE]
    missing = asked[~asked.isin(answers.index)]
    others = answers.index[~answers.index.isin(asked)]
    if len(missing) or len(others):
        found = [
            f"{file} is no submission for the {len(asked)} eval images of {folder.name}",
            _named("leaves out", missing),
            _named("has besides them", others),
        ]
        raise UserError("; ".join(part for part in found if part))
    made = Making(experiment=folder.name, method=METHOD, members=[], file=str(file))
    return record(folder.path.parent, answers, made)


def _named(what: str, images: Iterable[str]) -> str:
    names = [str(name) for name in images]
    shown = ", ".join(names[:NAMED])
    return f"it {what} {len(names)}, among them {shown}" if names else ""
