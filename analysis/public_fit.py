"""Does a better score out-of-fold mean a better one on the public leaderboard?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from scipy.stats import t

from analysis.figures import BLUE, GREY, ORANGE, figure_html, plain, styled
from analysis.ledger import Ledger, Submission
from analysis.pages import render
from trainable.comparison import CONFIDENCE
from trainable.settings import UserError

FEWEST = 3
"""A line through fewer points says nothing."""
MARGIN = 0.03
"""The axes reach so far beyond the scores."""
BAND_POINTS = 50
TEMPLATE = Path(__file__).with_name("public_fit.html.jinja")


@dataclass(frozen=True)
class Fit:
    """The line public = ``intercept`` + ``slope`` x out-of-fold, by least squares.

    ``scores`` (N,) are the out-of-fold ones it was fitted to, ``spread`` is the standard deviation
    of the public ones about it.
    """

    slope: float
    intercept: float
    scores: NDArray[np.float64]
    spread: float

    def at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the public score that the line gives for scores out-of-fold (K,)."""
        return self.intercept + self.slope * x

    def band(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far the 95 % confidence band of the line reaches to each side at x (K,)."""
        count, mean = len(self.scores), self.scores.mean()
        leverage = 1 / count + (x - mean) ** 2 / ((self.scores - mean) ** 2).sum()
        return float(t.ppf((1 + CONFIDENCE) / 2, count - 2)) * self.spread * np.sqrt(leverage)


def scored(ledger: Ledger) -> tuple[list[Submission], int]:
    """Return the submissions with a public score, one out-of-fold and the same eval images.

    Of several eval sets it is that of the last one scored; the number is how many others are left
    out. Raises UserError where there is none.
    """
    known = [one for one in ledger.submissions if one.entry.public and one.entry.out_of_fold]
    if not known:
        raise UserError(
            "no submission has both a public and an out-of-fold score yet; enter a public one "
            "with --score <number>=<macro-F1>"
        )
    same = [one for one in known if one.entry.eval_set == known[-1].entry.eval_set]
    return same, len(known) - len(same)


def points(submissions: Sequence[Submission]) -> NDArray[np.float64]:
    """Return (N, 2): the out-of-fold and the public macro-F1 of each."""
    found = [
        (one.entry.out_of_fold.value, one.entry.public.macro_f1)
        for one in submissions
        if one.entry.out_of_fold and one.entry.public
    ]
    return np.array(found).reshape(-1, 2)


def fit(submissions: Sequence[Submission]) -> Fit | None:
    """Fit public scores by out-of-fold ones; None of fewer than FEWEST or all alike scores."""
    x, y = points(submissions).T
    if len(x) < FEWEST or np.ptp(x) == 0:
        return None
    slope, intercept = (float(one) for one in np.polyfit(x, y, 1))
    spread = float(np.sqrt(((y - intercept - slope * x) ** 2).sum() / (len(x) - 2)))
    return Fit(slope, intercept, x, spread)


def sentence(submissions: Sequence[Submission]) -> str:
    """Return in words what the scores say of each other."""
    own, public = points(submissions).mean(axis=0)
    gap = (
        f"{len(submissions)} public score(s): {public:.4f} in the mean, {public - own:+.4f} "
        "against out-of-fold"
    )
    found = fit(submissions)
    if found:
        return f"{gap}; 0.01 more out-of-fold went with {found.slope / 100:+.4f} public"
    why = "all out-of-fold scores are alike" if len(submissions) >= FEWEST else "no line"
    return f"{gap}; {why}: a line takes {FEWEST} different scores"


def fit_figure(submissions: Sequence[Submission]) -> go.Figure:
    """Draw public against out-of-fold scores, with the intervals of these, and the fitted line."""
    figure = go.Figure()
    low, high = _reach(submissions)
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        name="public = out-of-fold",
        line={"dash": "dot", "color": GREY},
    )
    found = fit(submissions)
    if found:
        _draw_line(figure, found, np.linspace(low, high, BAND_POINTS))
    _draw_points(figure, submissions)
    figure.update_xaxes(title="macro-F1 out-of-fold, with its 95 % interval", range=[low, high])
    figure.update_yaxes(title="public macro-F1", range=[low, high])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(figure, 520).update_layout(legend=legend)


def fit_page(submissions: Sequence[Submission], others: int) -> str:
    """Return the figure and its numbers as a page; ``others`` scored ones are not among them."""
    part = {
        "sentence": sentence(submissions),
        "others": others,
        "figure": figure_html(fit_figure(submissions), "public"),
        "submissions": submissions,
    }
    return render(TEMPLATE, part)


def _draw_points(figure: go.Figure, submissions: Sequence[Submission]) -> None:
    x, y = points(submissions).T
    entries = [one.entry for one in submissions]
    estimates = [entry.out_of_fold for entry in entries if entry.out_of_fold]
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers+text",
        name="submissions",
        text=[str(one.number) for one in submissions],
        textposition="top center",
        hovertext=[plain(f"{one.label}: {one.entry.method}") for one in submissions],
        hovertemplate="%{hovertext}<br>out-of-fold %{x:.4f}<br>public %{y:.4f}<extra></extra>",
        marker={"color": BLUE, "size": 9},
        error_x={
            "array": [max(0.0, one.high - one.value) for one in estimates],
            "arrayminus": [max(0.0, one.value - one.low) for one in estimates],
            "thickness": 1,
            "color": BLUE,
        },
    )


def _draw_line(figure: go.Figure, found: Fit, x: NDArray[np.float64]) -> None:
    line, band = found.at(x), found.band(x)
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([line + band, (line - band)[::-1]]),
        fill="toself",
        mode="none",
        fillcolor="rgba(230, 159, 0, 0.2)",
        name="95 % interval of the line",
        hoverinfo="skip",
    )
    figure.add_scatter(x=x, y=line, mode="lines", name="fitted", line={"color": ORANGE})


def _reach(submissions: Sequence[Submission]) -> tuple[float, float]:
    """Return where both axes begin and end: on one scale, so that the identity is diagonal."""
    found = [one.entry for one in submissions]
    estimates = [one.out_of_fold for one in found if one.out_of_fold]
    values = [*points(submissions).ravel()]
    values += [end for one in estimates for end in (one.low, one.high)]
    return max(0.0, min(values) - MARGIN), min(1.0, max(values) + MARGIN)
