"""What mattered? The importance of each setting, and scores over its values."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from analysis.figures import BLUE, GREY, ORANGE, RED, plain, styled
from analysis.report.evidence import Evidence
from analysis.report.importance import FEWEST, Importance, Ranking
from analysis.report.levels import Level, length
from analysis.report.section import Block, Drawing, Grid, Section, Text
from analysis.report.varied import Varied, shown

ANCHOR, TITLE = "mattered", "What mattered"
MOST_SLICES = 24
SMALL = 250
"""Pixels: the height of a small figure."""


def mattered_section(
    evidence: Evidence, level: Level, ranking: Ranking | None, varied: Sequence[Varied]
) -> Section:
    """Show the importance of settings and a slice for each; ``ranking`` None: too few trials."""
    if not varied:
        why = "All trials with a score have the same settings: there is nothing to compare."
        return Section(ANCHOR, TITLE, [Text(why)])
    blocks: list[Block] = [Text(_compared(level), quiet=True)]
    if ranking:
        blocks += [Text(verdict(ranking)), Drawing("importance", _importance_figure(ranking))]
        blocks.append(Text(_how_to_read(ranking), quiet=True))
    else:
        blocks.append(Text(f"Importance is told of {FEWEST} trials or more in one space."))
    slices = [_slice(number, one, evidence, level) for number, one in enumerate(varied)]
    blocks += [Text("Scores over the values of each setting:"), Grid(slices[:MOST_SLICES])]
    if len(slices) > MOST_SLICES:
        blocks.append(Text(f"{len(slices) - MOST_SLICES} more settings were varied.", quiet=True))
    return Section(ANCHOR, TITLE, blocks)


def verdict(ranking: Ranking) -> str:
    """Say which settings mattered, or that it cannot be told."""
    telling, scores = ranking.telling, f"the scores up to epoch {ranking.epoch}"
    if telling:
        paths = ", ".join(f"{one.path} ({one.share:.0%})" for one in telling)
        return (
            f"For {scores}: {paths}, more than chance explains. Of the other settings "
            f"{ranking.trials} trials cannot tell."
        )
    first = ranking.settings[0]
    return (
        f"{ranking.trials} trials cannot tell: for {scores} {first.path} comes out first with "
        f"{first.share:.0%}, but scores shuffled among the trials give it as much by chance."
    )


def _compared(level: Level) -> str:
    left = f"; {level.others} did not come so far" if level.others else ""
    return (
        f"Trials are compared by their best score up to epoch {level.epoch}, which "
        f"{len(level.scores)} of them reached{left}: so those that were stopped early count as "
        "much as the others. What matters late in a training may differ, and settings that mostly "
        "varied together cannot be told apart."
    )


def _how_to_read(ranking: Ranking) -> str:
    return (
        f"PED-ANOVA: how much the values of the {ranking.good} best trials differ from those of "
        "all, as shares of 1. Thin lines: what random halves of the trials say (95 %). Red marks: "
        "what chance can give to a setting, from shuffled scores (5 in 100 for any of them); a bar "
        "that ends before its mark may be luck."
    )


def _importance_figure(ranking: Ranking) -> go.Figure:
    figure = go.Figure()
    settings = ranking.settings
    names = [plain(one.path) for one in settings]
    figure.add_bar(
        y=names,
        x=[round(one.share, 3) for one in settings],
        orientation="h",
        marker_color=[BLUE if one in ranking.telling else GREY for one in settings],
        error_x=_error(settings),
        hovertemplate="%{y}: %{x:.0%}<extra></extra>",
    )
    figure.add_scatter(
        y=names,
        x=[min(1.0, round(one.luck, 3)) for one in settings],
        customdata=[round(one.luck, 3) for one in settings],
        mode="markers",
        marker={"symbol": "line-ns", "size": 18, "line": {"color": RED, "width": 3}},
        hovertemplate="%{y}: %{customdata:.0%} by chance<extra></extra>",
    )
    figure.update_xaxes(title="importance", tickformat=".0%", range=[0, 1.02])
    figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)
    return styled(figure, 90 + 30 * len(settings)).update_layout(showlegend=False)


def _error(settings: Sequence[Importance]) -> dict[str, object]:
    return {
        "array": [round(max(0.0, one.high - one.share), 3) for one in settings],
        "arrayminus": [round(max(0.0, one.share - one.low), 3) for one in settings],
        "color": ORANGE,
        "thickness": 2,
    }


def _slice(number: int, varied: Varied, evidence: Evidence, level: Level) -> Drawing:
    """Draw scores over a setting: at the common level, and of those that were trained on."""
    figure = go.Figure()
    at_level = {name: score for name, score in level.scores.items() if name in varied.values}
    later = {
        trial.name: trial.best.score
        for trial in evidence.scored
        if trial.best and trial.name in varied.values and length(trial) > level.epoch
    }
    _points(figure, f"up to epoch {level.epoch}", at_level, varied, GREY)
    _points(figure, "best of those trained on", later, varied, ORANGE)
    if varied.choices:
        order = [plain(shown(value)) for value in varied.choices]
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=order)
    elif varied.is_log:
        figure.update_xaxes(type="log", **_log_ticks(varied))
    figure.update_xaxes(title=plain(varied.path))
    figure.update_yaxes(title=evidence.score_name)
    return Drawing(f"slice-{number}", styled(figure, SMALL).update_layout(**_small_layout()))


def _log_ticks(varied: Varied) -> dict[str, Any]:
    """Return 1, 2 and 5 of each order of magnitude: Plotly writes only the 1 in full."""
    numbers = [float(value) for value in varied.values.values() if value]
    orders = range(math.floor(math.log10(min(numbers))), math.ceil(math.log10(max(numbers))) + 1)
    ticks = [digit * 10.0**order for order in orders for digit in (1, 2, 5)]
    return {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _points(
    figure: go.Figure, name: str, scores: dict[str, float], varied: Varied, colour: str
) -> None:
    figure.add_scatter(
        x=[_place(varied, trial) for trial in scores],
        y=[round(score, 4) for score in scores.values()],
        mode="markers",
        name=name,
        text=[plain(trial) for trial in scores],
        hovertemplate="%{text}<br>%{x}: %{y:.4f}<extra></extra>",
        marker={"color": colour, "size": 7, "opacity": 0.75},
    )


def _place(varied: Varied, trial: str) -> object:
    value = varied.values[trial]
    return plain(shown(value)) if varied.choices else value


def _small_layout() -> dict[str, Any]:
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}}
    return {"legend": legend, "font_size": 11, "margin": {"l": 10, "r": 10, "t": 30, "b": 10}}
