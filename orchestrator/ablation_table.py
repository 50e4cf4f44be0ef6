"""What did an ablation find? One line for each training, with its paired difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from orchestrator.ablation import Row
from orchestrator.ablation_plan import Ablation, points_of
from trainable.comparison import Difference, paired_difference
from trainable.files import write_text
from trainable.locations import Location
from trainable.metric_names import METRIC_HEADINGS
from trainable.records import TrialResults
from trainable.spreadsheet import for_spreadsheets
from trainable.store import ExperimentFolder
from trainable.trial_folder import TrialFolder

FILE = "ablation.csv"


@dataclass(frozen=True)
class Line:
    """A row's metrics, means over its seeds, and how it differs from its reference."""

    row: Row
    trials: int
    metrics: Mapping[str, float]
    seconds: float
    difference: Difference | None

    def cells(self) -> dict[str, object]:
        """Return column -> value."""
        difference = self.difference
        return {
            "line": self.row.name,
            **{name: self.metrics.get(name) for name in METRIC_HEADINGS},
            "compared with": self.row.reference,
            "difference": difference and difference.value,
            "low": difference and difference.low,
            "high": difference and difference.high,
            "verdict": difference.verdict if difference else None,
            "seconds": round(self.seconds, 1),
            "trials": self.trials,
        }


@dataclass(frozen=True)
class _Trained:
    results: Sequence[TrialResults]
    predicted: Sequence[NDArray[np.integer[Any]]]
    rows: NDArray[np.integer[Any]]


def ablation_lines(plan: Ablation, folder: ExperimentFolder) -> tuple[list[Line], dict[str, str]]:
    """Return a line for each row that was trained, and for the other rows by name why not.

    Lines are compared on the persons of their reference.
    """
    images = folder.read_images()
    stored = [(trial, trial.read()) for trial in folder.trials()]
    trained = {row.name: _trained(row, plan, stored) for row in plan.rows}
    lines = [
        _line(row, found, trained.get(row.reference or ""), images, plan)
        for row in plan.rows
        if (found := trained[row.name])
    ]
    missing = [row for row in plan.rows if not trained[row.name]]
    return lines, {row.name: _why_untrained(row, plan, stored) for row in missing}


def write_lines(folder: ExperimentFolder, lines: Sequence[Line]) -> Location:
    """Write the table as CSV into the experiment's folder."""
    file = folder.path / FILE
    table = for_spreadsheets(pd.DataFrame([line.cells() for line in lines]))
    write_text(file, table.to_csv(index=False))
    return file


def show_lines(question: str, lines: Sequence[Line]) -> None:
    """Print the table."""
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("", overflow="fold")
    for heading in (*METRIC_HEADINGS.values(), "diff.", "95 %\ninterval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("sec.", justify="right", no_wrap=True)
    for line in lines:
        known = [line.metrics.get(name) for name in METRIC_HEADINGS]
        scores = ["" if score is None else f"{score:.3f}" for score in known]
        table.add_row(line.row.name, *scores, *_compared(line), f"{line.seconds:.0f}")
    console = Console(markup=False, emoji=False, highlight=False)
    console.print("", question, table, sep="\n")
    console.print(
        "diff.: of the score, to the line before in a ladder, else to the first; its interval "
        "is from resampling persons and, with seeds=2 or more, the trainings of a line; with one, "
        "chance in the training itself is not in it."
    )


def _compared(line: Line) -> tuple[str, str, str]:
    if line.difference is None:
        return "", "", ""
    found = line.difference
    return _signed(found.value), f"{_signed(found.low)} {_signed(found.high)}", found.verdict


def _signed(number: float) -> str:
    return f"{number:+.3f}".replace("0.", ".", 1)


def _trained(
    row: Row, plan: Ablation, stored: Sequence[tuple[TrialFolder, TrialResults]]
) -> _Trained | None:
    """Return what was stored of a row; None where a training of it is missing or failed."""
    found = [
        (folder, results)
        for point in points_of(row, plan.seeds, plan.base)
        for folder, results in stored
        if results.record.values == point and results.outcome.status == "completed"
    ]
    if len(found) < plan.seeds:
        return None
    arrays = [folder.read_validation() for folder, _ in found]
    order = [np.argsort(array.rows) for array in arrays]
    return _Trained(
        results=[results for _, results in found],
        predicted=[array.values[i].argmax(1) for array, i in zip(arrays, order, strict=True)],
        rows=arrays[0].rows[order[0]],
    )


def _why_untrained(
    row: Row, plan: Ablation, stored: Sequence[tuple[TrialFolder, TrialResults]]
) -> str:
    reason = ""
    for point in points_of(row, plan.seeds, plan.base):
        outcomes = [one.outcome for _, one in stored if one.record.values == point]
        if not any(outcome.status == "completed" for outcome in outcomes):
            reason = outcomes[-1].reason if outcomes else "not started"
    return reason


def _line(
    row: Row, own: _Trained, reference: _Trained | None, images: pd.DataFrame, plan: Ablation
) -> Line:
    best = [results.best for results in own.results if results.best]
    metrics = {
        name: float(np.mean([epoch.metrics[name] for epoch in best])) for name in best[0].metrics
    }
    seconds = [epoch.epoch_seconds for results in own.results for epoch in results.epochs]
    return Line(
        row=row,
        trials=len(own.results),
        metrics=metrics,
        seconds=sum(seconds) / len(own.results),
        difference=reference and _difference(own, reference, images, plan.base.tasks),
    )


def _difference(
    own: _Trained, reference: _Trained, images: pd.DataFrame, tasks: Sequence[str]
) -> Difference:
    return paired_difference(
        images.loc[own.rows, "label"].to_numpy(),
        images.loc[own.rows, "person"].to_numpy(),
        own.predicted,
        reference.predicted,
        tasks,
    )
