"""Which settings go together in good trials? Parallel coordinates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from analysis.figures import BLUE, GREY, ORANGE, plain, styled
from analysis.report.evidence import Evidence
from analysis.report.levels import Level
from analysis.report.section import Drawing, Section, Text
from analysis.report.varied import ABSENT, FOLD, Varied, foldable, shown

ANCHOR, TITLE = "together", "Settings together"
BELOW = -0.12
"""Height at which trials stand that have no value of a setting."""
GOOD, MIDDLE = 0.1, 0.5
"""The best tenth and the better half have colours of their own."""
MOST_AXES = 16
AXIS_WIDTH = 85
"""Pixels that the names beside an axis take."""


@dataclass(frozen=True)
class _Axis:
    """An upright axis: the height from 0 to 1 of each trial, and what stands beside it."""

    title: str
    heights: dict[str, float]
    texts: dict[str, str]
    ticks: list[tuple[float, str]]


def parallel_section(evidence: Evidence, level: Level, varied: Sequence[Varied]) -> Section:
    """Show each trial as a line through its values, coloured by its score."""
    if not varied or len(level.scores) < 2:
        why = "Lines through the values of trials need two trials that differ, with scores."
        return Section(ANCHOR, TITLE, [Text(why)])
    shown_ones = varied[:MOST_AXES]
    axes = [*map(_axis, shown_ones), _score_axis(evidence.score_name, level)]
    words = (
        f"A line is a trial: it passes through its values and ends at its score up to epoch "
        f"{level.epoch}. A click on a name in the legend hides its lines."
    )
    if any(len(one.values) < len(level.scores) for one in shown_ones):
        words += " Trials that have no value of a setting pass below its axis."
    drawing = Drawing("parallel", _figure(axes, level), AXIS_WIDTH * len(axes))
    return Section(ANCHOR, TITLE, [Text(words), drawing])


def _axis(varied: Varied) -> _Axis:
    texts = {trial: varied.text(trial) for trial in varied.values}
    if varied.choices:
        places = {shown(value): i for i, value in enumerate(varied.choices)}
        end = max(1, len(places) - 1)
        heights = {trial: places[text] / end for trial, text in texts.items()}
        ticks = [(place / end, text) for text, place in places.items()]
        return _Axis(varied.path, heights, texts, ticks)
    numbers = {trial: float(value) for trial, value in varied.values.items() if value is not None}
    return _number_axis(varied.path, numbers, texts, is_log=varied.is_log)


def _number_axis(
    title: str, numbers: dict[str, float], texts: dict[str, str], *, is_log: bool
) -> _Axis:
    scale = math.log if is_log and min(numbers.values()) > 0 else float
    low, high = (scale(end(numbers.values())) for end in (min, max))
    reach = (high - low) or 1.0
    heights = {trial: (scale(value) - low) / reach for trial, value in numbers.items()}
    ends = [shown(end(numbers.values())) for end in (min, max)]
    return _Axis(title, heights, texts, [(0.0, ends[0]), (1.0, ends[1])])


def _score_axis(name: str, level: Level) -> _Axis:
    scores = dict(level.scores)
    return _number_axis(name, scores, {k: f"{v:.4f}" for k, v in scores.items()}, is_log=False)


def _figure(axes: Sequence[_Axis], level: Level) -> go.Figure:
    figure = go.Figure()
    ranked = sorted(level.scores, key=lambda trial: level.scores[trial])
    worse, better = round(len(ranked) * MIDDLE), len(ranked) - max(1, round(len(ranked) * GOOD))
    groups = {
        "the lower half": (ranked[:worse], GREY, 1.0),
        "the better half": (ranked[worse:better], BLUE, 1.2),
        "the best tenth": (ranked[better:], ORANGE, 2.5),
    }
    for name, (trials, colour, width) in groups.items():
        if trials:
            _lines(figure, name, (axes, trials), {"color": colour, "width": width})
    _ticks(figure, axes)
    figure.update_xaxes(
        tickvals=list(range(len(axes))),
        ticktext=[_folded(axis.title) for axis in axes],
        range=[-0.4, len(axes) - 0.4],
        tickangle=0,
        showgrid=True,
        gridcolor=GREY,
    )
    figure.update_yaxes(visible=False, range=[BELOW - 0.06, 1.06])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(figure, 480).update_layout(legend=legend, hovermode="closest")


def _lines(
    figure: go.Figure,
    name: str,
    what: tuple[Sequence[_Axis], Sequence[str]],
    line: dict[str, object],
) -> None:
    axes, trials = what
    places = [place for _ in trials for place in (*range(len(axes)), None)]
    heights = [
        height
        for trial in trials
        for height in (*(round(axis.heights.get(trial, BELOW), 3) for axis in axes), None)
    ]
    texts = [text for trial in trials for text in (*_texts(trial, axes), None)]
    figure.add_scatter(
        x=places,
        y=heights,
        text=texts,
        name=name,
        mode="lines+markers",
        marker={"size": 4},
        line=line,
        opacity=0.8,
        hovertemplate="%{text}<extra></extra>",
    )


def _texts(trial: str, axes: Sequence[_Axis]) -> list[str]:
    return [plain(f"{trial}: {axis.title} {axis.texts.get(trial, ABSENT)}") for axis in axes]


def _ticks(figure: go.Figure, axes: Sequence[_Axis]) -> None:
    for place, axis in enumerate(axes):
        for height, text in axis.ticks:
            figure.add_annotation(
                x=place,
                y=height,
                text=plain(text),
                showarrow=False,
                xanchor="left",
                xshift=5,
                font_size=11,
            )


def _folded(path: str) -> str:
    """Break a path at its dots and underscores, so that titles stand side by side."""
    return plain(foldable(path)).replace(FOLD, "<br>")
