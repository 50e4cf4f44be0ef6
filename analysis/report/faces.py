"""Whom does the best trial get wrong? The faces it is surest about and wrong, by task."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.report.evidence import Judged
from analysis.report.section import Block, Faces, Heading, Section, Text
from analysis.sheets import make_sheet, readable_face
from trainable.image_files import DataFolder
from trainable.labels import TASK_CLASSES, decode, task_probabilities

ANCHOR, TITLE = "faces", "Wrongly predicted faces"
MOST = 24
"""Faces of a task."""


def faces_section(judged: Judged | None, folder: DataFolder) -> Section:
    """Show the faces in ``folder`` that are most surely wrong, for each task, one of a person."""
    if judged is None:
        return Section(ANCHOR, TITLE, [Text("No trial's predictions are stored.")])
    if not folder.root.is_dir():
        return Section(ANCHOR, TITLE, [Text(f"The images are no longer in {folder.root}.")])
    blocks: list[Block] = [
        Text(
            f"Where {judged.trial.name} is surest and wrong: the true class, what it answers, and "
            "the probability it gives to that. One image of a person, the surest first; some may "
            "be wrongly labelled. The pointer shows the image's name."
        )
    ]
    for task in judged.trial.tasks:
        blocks += _of_task(task, folder, judged)
    return Section(ANCHOR, TITLE, blocks)


def surely_wrong(task: str, judged: Judged) -> pd.DataFrame:
    """Return the images that are wrong in a task, the surest first, one of a person.

    Columns: image, person, age, true and answered (class of the task), share (its probability).
    """
    shares = task_probabilities(judged.probabilities)[task]
    true, answered = (decode(one)[task] for one in (judged.labels, judged.classes))
    table = judged.images[["image", "person", "age"]].assign(
        true=true, answered=answered, share=shares[np.arange(len(shares)), answered]
    )
    wrong = table[true != answered]
    return wrong.sort_values("share", ascending=False, kind="stable").drop_duplicates("person")


def _of_task(task: str, folder: DataFolder, judged: Judged) -> list[Block]:
    wrong = surely_wrong(task, judged)
    persons = judged.images["person"].nunique()
    heading = f"{task}: {len(wrong):,} of {persons:,} persons with a wrong image"
    return [Heading(heading), *_shown(task, folder, wrong.head(MOST))]


def _shown(task: str, folder: DataFolder, wrong: pd.DataFrame) -> list[Block]:
    found = [
        (pixels, one["image"], _caption(task, one))
        for one in wrong.to_dict("records")
        if (pixels := readable_face(folder, str(one["image"]))) is not None
    ]
    blocks: list[Block] = []
    if len(found) < len(wrong):
        lost = len(wrong) - len(found)
        blocks.append(Text(f"{lost} of these images can no longer be read.", quiet=True))
    if found:
        blocks.append(Faces(make_sheet(*zip(*found, strict=True))))
    return blocks


def _caption(task: str, one: Mapping[Hashable, Any]) -> str:
    true, answered = (TASK_CLASSES[task][one[which]] for which in ("true", "answered"))
    years = f" ({one['age']:g})" if task == "age" else ""
    return f"{true}{years}\n→ {answered}\n{one['share']:.2f}"
