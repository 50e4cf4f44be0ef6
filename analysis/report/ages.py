"""Which ages are taken for which bracket? The best trial by true year of age."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import beta

from analysis.figures import BLUE, GREEN, ORANGE, RED, plain, styled
from analysis.report.evidence import Judged
from analysis.report.section import Drawing, Section, Text
from trainable.comparison import CONFIDENCE
from trainable.labels import MIDDLE_AGE, OLD_AGE, TASK_CLASSES, decode

ANCHOR, TITLE = "ages", "By age"
BRACKET_COLOURS = (BLUE, ORANGE, GREEN)
BORDER = 3
"""Years on each side of a cut-off that are called near it."""


def ages_section(judged: Judged | None) -> Section:
    """Show accuracy and predicted brackets by true age, with the cut-offs."""
    if judged is None:
        return Section(ANCHOR, TITLE, [Text("No trial's predictions are stored.")])
    name = judged.trial.name
    if "age" not in judged.trial.tasks:
        return Section(ANCHOR, TITLE, [Text(f"{name} does not answer the age.")])
    years, cutoffs = by_year(judged), _cutoffs(judged)
    lines = "Dashed: the cut-offs of the brackets"
    lines += ", and the one it was trained with." if len(cutoffs) > 2 else "."
    return Section(
        ANCHOR,
        TITLE,
        [
            Text(
                f"How often {name} is right about the bracket, by true age. Bars are 95 % "
                f"intervals that count persons: wide where a year has few. {lines}"
            ),
            Drawing("age-accuracy", _accuracy_figure(years, cutoffs)),
            Text("Which bracket it answers, as shares of the images of each true age:"),
            Drawing("age-brackets", _bracket_figure(years, cutoffs)),
        ],
    )


def near_and_far(judged: Judged) -> str:
    """Say how age accuracy near the cut-offs compares with that elsewhere; empty if unknown."""
    if "age" not in judged.trial.tasks:
        return ""
    years = by_year(judged)
    near = np.zeros(len(years), bool)
    for cutoff in (MIDDLE_AGE, OLD_AGE):
        near |= (years.index >= cutoff - BORDER) & (years.index < cutoff + BORDER)
    if near.all() or not near.any():
        return ""
    return (
        f"Within {BORDER} years of a cut-off it is right about the age bracket of "
        f"{_pooled(years[near]):.0%} of the images, elsewhere of {_pooled(years[~near]):.0%}."
    )


def by_year(judged: Judged) -> pd.DataFrame:
    """Return by true year: images, persons, how many were right, and the share of each bracket."""
    answered, true = (decode(one)["age"] for one in (judged.classes, judged.labels))
    shares = {name: answered == number for number, name in enumerate(TASK_CLASSES["age"])}
    table = judged.images[["person"]].assign(right=answered == true, **shares)
    by_age = table.groupby(judged.images["age"].astype(int))
    found = by_age[["right", *shares]].mean()
    return found.assign(images=by_age.size(), persons=by_age["person"].nunique())


def _pooled(years: pd.DataFrame) -> float:
    return float(np.average(years["right"], weights=years["images"]))


def _cutoffs(judged: Judged) -> Mapping[str, int]:
    found = {str(MIDDLE_AGE): MIDDLE_AGE, str(OLD_AGE): OLD_AGE}
    trained = judged.trial.results.record.config.train.age_cutoff
    return found if trained == OLD_AGE else {**found, f"trained: {trained}": trained}


def _accuracy_figure(years: pd.DataFrame, cutoffs: Mapping[str, int]) -> go.Figure:
    low, high = _jeffreys(years)
    figure = go.Figure()
    figure.add_scatter(
        x=years.index.tolist(),
        y=years["right"].round(3).tolist(),
        customdata=years[["persons", "images"]].to_numpy().tolist(),
        mode="markers",
        marker={"color": BLUE, "size": 7},
        error_y={
            "array": (high - years["right"]).clip(lower=0).round(3).tolist(),
            "arrayminus": (years["right"] - low).clip(lower=0).round(3).tolist(),
            "thickness": 1,
            "width": 0,
            "color": BLUE,
        },
        hovertemplate="%{x} years: %{y:.0%} right, %{customdata[0]} persons, "
        "%{customdata[1]} images<extra></extra>",
    )
    figure.update_yaxes(title="right about the bracket", tickformat=".0%", range=[0, 1.02])
    return _by_age(figure, cutoffs).update_layout(showlegend=False)


def _jeffreys(years: pd.DataFrame) -> tuple["pd.Series[float]", "pd.Series[float]"]:
    """Return the ends of the interval of a share of persons (Brown et al. 2001).

    Images of a person go right or wrong together, so persons are counted, not images.
    """
    right, persons = years["right"], years["persons"]
    tail = (1 - CONFIDENCE) / 2
    ends = [
        beta.ppf(share, right * persons + 0.5, (1 - right) * persons + 0.5)
        for share in (tail, 1 - tail)
    ]
    low, high = (pd.Series(end, years.index) for end in ends)
    return low, high


def _bracket_figure(years: pd.DataFrame, cutoffs: Mapping[str, int]) -> go.Figure:
    figure = go.Figure()
    for bracket, name in enumerate(TASK_CLASSES["age"]):
        figure.add_bar(
            x=years.index.tolist(),
            y=years[name].round(3).tolist(),
            name=plain(name),
            marker_color=BRACKET_COLOURS[bracket],
            hovertemplate="%{x} years: %{y:.0%}<extra>" + plain(name) + "</extra>",
        )
    figure.update_yaxes(title="answered", tickformat=".0%", range=[0, 1])
    legend = {"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    return _by_age(figure, cutoffs).update_layout(barmode="stack", bargap=0.1, legend=legend)


def _by_age(figure: go.Figure, cutoffs: Mapping[str, int]) -> go.Figure:
    for label, cutoff in cutoffs.items():
        figure.add_vline(
            x=cutoff - 0.5,
            line={"dash": "dash", "color": RED},
            annotation={"text": label, "yref": "paper", "y": 1, "yanchor": "bottom"},
        )
    figure.update_xaxes(title="true years of age", dtick=5)
    return styled(figure, 340)
