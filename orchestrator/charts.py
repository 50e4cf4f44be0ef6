"""How are predictions drawn? Accuracy as bars and confusions as matrices, PNG files in bytes.

Figures are made without pyplot, whose figures belong to one thread.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from trainable.labels import CLASS_COUNT, CLASS_NAMES, TASK_CLASSES, TASKS, decode

Classes = NDArray[np.integer]
"""Joint classes (N,)."""
DOTS_PER_INCH = 100
MARGIN = 0.12
"""Inches round each part of a figure."""
OF_TASKS = {"mask": "#4477aa", "gender": "#228833", "age": "#aa5500"}
"""Colours that stay apart for the colour-blind (Tol 2021)."""
OF_MASKS = ("#4477aa", "#66a0c8", "#99c4dd")
"""Colours of the 18 classes' bars, by mask."""
DARK = 0.5
"""From this share on a cell of a matrix is dark, and its text white."""


@dataclass(frozen=True)
class Bar:
    """A bar of ``length`` 0..1, NaN for none; a total sums up those that follow it."""

    name: str
    length: float
    colour: str
    is_total: bool = False


def accuracy_bars(labels: Classes, predicted: Classes, tasks: Sequence[str] = TASKS) -> bytes:
    """Draw the accuracy of each task and its classes, and with all three of the 18 classes.

    A class without images has no bar.
    """
    parts = [("each task and its classes", task_bars(labels, predicted, tasks))]
    if len(tasks) == len(TASKS):
        parts.append(("each class", class_bars(labels, predicted)))
    figure = _figure(5.6 * len(parts), 5.6)
    for axes, (whose, bars) in zip(_side_by_side(figure, len(parts)), parts, strict=True):
        axes.set_title(f"accuracy of {whose} (images)")
        _draw_bars(axes, bars)
    return _png(figure)


def task_confusions(labels: Classes, predicted: Classes, tasks: Sequence[str] = TASKS) -> bytes:
    """Draw for each task how its true classes were predicted."""
    figure = _figure(4.2 * len(tasks), 4.2)
    true_parts, predicted_parts = decode(labels), decode(predicted)
    for axes, task in zip(_side_by_side(figure, len(tasks)), tasks, strict=True):
        axes.set_title(task)
        _draw_matrix(axes, true_parts[task], predicted_parts[task], TASK_CLASSES[task])
    return _png(figure)


def class_confusion(labels: Classes, predicted: Classes) -> bytes:
    """Draw how the 18 true classes were predicted."""
    figure = _figure(10, 9.6)
    [axes] = _side_by_side(figure, 1)
    _draw_matrix(axes, labels, predicted, CLASS_NAMES)
    axes.tick_params(axis="x", labelrotation=90)
    return _png(figure)


def task_bars(labels: Classes, predicted: Classes, tasks: Sequence[str] = TASKS) -> list[Bar]:
    """Return the accuracy of each task, followed by that of its classes."""
    true_parts, predicted_parts = decode(labels), decode(predicted)
    bars = list[Bar]()
    for task in tasks:
        true, found, colour = true_parts[task], predicted_parts[task], OF_TASKS[task]
        pale = [f"{colour}99"] * len(TASK_CLASSES[task])
        bars.append(Bar(task, float(np.mean(true == found)), colour, is_total=True))
        bars += _bars_of_classes(true, found, TASK_CLASSES[task], pale)
    return bars


def class_bars(labels: Classes, predicted: Classes) -> list[Bar]:
    """Return the accuracy of each of the 18 classes."""
    colours = [OF_MASKS[mask] for mask in decode(range(CLASS_COUNT))["mask"]]
    return _bars_of_classes(labels, predicted, CLASS_NAMES, colours)


def _bars_of_classes(
    true: Classes, found: Classes, names: Sequence[str], colours: Sequence[str]
) -> list[Bar]:
    counts = np.bincount(true, minlength=len(names))
    right = np.bincount(true[true == found], minlength=len(names))
    shares = np.where(counts, right / np.maximum(counts, 1), np.nan)
    return [
        Bar(f"{name} ({count:,})", float(share), colour)
        for name, count, share, colour in zip(names, counts, shares, colours, strict=True)
    ]


def _draw_bars(axes: Axes, bars: Sequence[Bar]) -> None:
    drawn = axes.barh(
        range(len(bars)), [bar.length for bar in bars], color=[bar.colour for bar in bars]
    )
    texts = ["" if np.isnan(bar.length) else f"{bar.length:.2f}" for bar in bars]
    axes.bar_label(drawn, texts, padding=3, fontsize=9)
    axes.set_yticks(range(len(bars)), [bar.name for bar in bars], fontsize=9)
    for text, bar in zip(axes.get_yticklabels(), bars, strict=True):
        text.set_fontweight("bold" if bar.is_total else "normal")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.09)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_matrix(axes: Axes, true: Classes, found: Classes, names: Sequence[str]) -> None:
    counts = confusion_matrix(true, found, labels=range(len(names)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[row, column] >= DARK else "black"
        text = f"{counts[row, column]:,}"
        axes.text(column, row, text, color=colour, fontsize=8, ha="center", va="center")
    axes.set_xticks(range(len(names)), names, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_xlabel("predicted (images; shade: share of the row)")
    axes.set_ylabel("true")


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure of ``width`` x ``height`` inches."""
    layout = ConstrainedLayoutEngine(w_pad=MARGIN, h_pad=MARGIN)
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=layout)


def _side_by_side(figure: Figure, count: int) -> list[Axes]:
    return list(figure.subplots(1, count, squeeze=False)[0])


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
