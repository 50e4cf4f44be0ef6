"""Where does the best trial fail? Confusion by task, and the 18 classes, worst first."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from analysis.report.evidence import Judged
from analysis.report.section import Block, Cell, Grid, Section, Table, Text
from trainable.labels import CLASS_COUNT, CLASS_NAMES, TASK_CLASSES, TASKS, decode

ANCHOR, TITLE = "confusion", "Where it fails"
SHOWN = 6
RATES = ("F1", "recall", "precision")


def confusions_section(judged: Judged | None) -> Section:
    """Show what the best trial takes for what, by task and by class."""
    if judged is None:
        return Section(ANCHOR, TITLE, [Text("No trial's predictions are stored.")])
    tasks = judged.trial.tasks
    blocks: list[Block] = [
        Text(
            f"{judged.trial.name} on {len(judged.images):,} images of persons it had not seen. "
            "Each row is a true class: which share of its images was answered so, and how many."
        ),
        Grid([_matrix(task, judged) for task in tasks]),
    ]
    if tasks == TASKS:
        blocks += [Text("The 18 classes, the worst first:"), _class_table(judged)]
    else:
        answered = " and ".join(tasks)
        blocks.append(Text(f"It answers {answered} alone, so it has no score on the 18 classes."))
    return Section(ANCHOR, TITLE, blocks)


def worst_classes(judged: Judged, most: int = 3) -> list[str]:
    """Return the worst classes with their F1, in words; none of a trial for some tasks."""
    if judged.trial.tasks != TASKS:
        return []
    return [
        f"“{CLASS_NAMES[label]}” (F1 {f1:.2f}, {persons:,} persons)"
        for label, f1, persons in _class_scores(judged)[["label", "F1", "persons"]]
        .head(most)
        .itertuples(index=False)
    ]


def by_task(judged: Judged) -> list[str]:
    """Return the F1 of each task in words, the hardest first."""
    metrics = judged.trial.best.metrics if judged.trial.best else {}
    scores = {task: metrics[f"{task}_f1"] for task in judged.trial.tasks}
    return [f"{task} F1 {scores[task]:.2f}" for task in sorted(scores, key=lambda one: scores[one])]


def _matrix(task: str, judged: Judged) -> Table:
    names = TASK_CLASSES[task]
    true, answered = decode(judged.labels)[task], decode(judged.classes)[task]
    counts = confusion_matrix(true, answered, labels=range(len(names)))
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    rows = [
        [
            name,
            *(Cell(f"{share:.0%} ({count:,})", share) for share, count in zip(*row, strict=True)),
        ]
        for name, row in zip(names, zip(shares, counts, strict=True), strict=True)
    ]
    return Table(f"confusion-{task}", [f"{task}, true", *(f"as {name}" for name in names)], rows)


def _class_scores(judged: Judged) -> pd.DataFrame:
    """Return label, F1, recall, precision, images, persons of each class, worst first."""
    every = range(CLASS_COUNT)
    never: Any = 0  # scikit-learn's stub says str
    precision, recall, f1, images = precision_recall_fscore_support(
        judged.labels, judged.classes, labels=every, zero_division=never
    )
    persons = judged.images.groupby("label")["person"].nunique().reindex(every, fill_value=0)
    rates = dict(zip(RATES, (f1, recall, precision), strict=True))
    table = pd.DataFrame({"label": every, **rates, "images": images, "persons": persons})
    return table[table["images"] > 0].sort_values("F1", kind="stable")


def _class_table(judged: Judged) -> Table:
    rows = [
        [
            CLASS_NAMES[one["label"]],
            *(Cell(f"{one[name]:.2f}", one[name]) for name in RATES),
            f"{one['images']:,}",
            f"{one['persons']:,}",
            _taken_for(judged.classes[judged.labels == one["label"]], one["label"]),
        ]
        for one in _class_scores(judged).to_dict("records")
    ]
    headings = ["class", *RATES, "images", "persons", "most often taken for"]
    return Table("classes", headings, rows, shown=SHOWN)


def _taken_for(answered: NDArray[np.int64], label: int) -> str:
    wrong = np.bincount(answered[answered != label], minlength=CLASS_COUNT)
    other = int(wrong.argmax())
    return f"{CLASS_NAMES[other]} ({wrong[other]:,})" if wrong[other] else "nothing"
