"""Do trials answer better together? Methods of an ensemble beside its best member."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.ensembles.built import Ask, Built, build, methods_for
from analysis.figures import BLUE, GREY, ORANGE, plain, styled
from analysis.members import DEFAULT_TOP, best_members, candidates
from analysis.predictions import read_eval
from analysis.report.evidence import Evidence, Standing
from analysis.report.section import Block, Drawing, Section, Table, Text
from analysis.results import Trial
from analysis.shift.correction import ESTIMATED, fitted_share_model
from analysis.submission import images_to_answer
from trainable.labels import TASK_CLASSES, decode
from trainable.settings import UserError

ANCHOR, TITLE = "ensemble", "Ensemble"
LISTED = 5
"""Members that are named."""
APART = 0.17
"""Of a row's height: how far a method's two scores are from its middle."""


def vote(evidence: Evidence) -> Built | UserError:
    """Compare what `analysis.ensemble` would, on the same trials, or say why that cannot be."""
    experiment = evidence.experiment
    try:
        members = best_members(experiment, min(DEFAULT_TOP, max(1, len(experiment.finished))))
        read_eval(members, images_to_answer(experiment.folder))
        trials = candidates(experiment, members, final=False)
        return build(experiment.folder, trials, Ask(len(members), methods_for(members, None)))
    except UserError as error:
        return error


def ensemble_section(voted: Built | UserError, evidence: Evidence) -> Section:
    """Show each method, before and after its decision rule, beside the best trials alone."""
    if isinstance(voted, UserError):
        return Section(ANCHOR, TITLE, [Text(f"Methods cannot be compared: {voted}.")])
    blocks: list[Block] = [
        Text(in_words(voted)),
        Drawing("ensemble", _figure(voted, evidence.standings)),
        Text(_how_to_read(voted), quiet=True),
        _table(voted),
        *_eval_shares(voted, evidence),
    ]
    return Section(ANCHOR, TITLE, blocks)


def in_words(voted: Built) -> str:
    """Say which method is to be preferred, of whom, and what the best trial alone has."""
    chosen = voted.chosen
    members = list(voted.members.items())
    listed = ", ".join(f"{name} ({share:.0%})" for name, share in members[:LISTED])
    more = f" and {len(members) - LISTED} more" if len(members) > LISTED else ""
    words = (
        f"The simplest method that is not clearly worse than the best{_best(voted)} is "
        f"“{chosen.name}” of "
        f"{listed}{more}: macro-F1 {chosen.score:.3f} ({chosen.low:.3f} to {chosen.high:.3f} by "
        "resampling) on persons that it was not fitted to"
    )
    if chosen.method == "single":
        return f"{words}. No vote is clearly better than one trial."
    alone = [one for one in voted.compared if one.method == "single" and not one.rule]
    without = [f" The best trial alone, chosen without them, has {one.score:.3f}." for one in alone]
    return f"{words}.{''.join(without)}"


def _best(voted: Built) -> str:
    """Name the best method, if another is preferred, and how far that one is behind."""
    best, behind = max(voted.compared, key=lambda one: one.score), voted.chosen.behind
    if best is voted.chosen:
        return ""
    return f" (“{best.name}”: {behind.value:+.3f}, {behind.low:+.3f} to {behind.high:+.3f})"


def _eval_shares(voted: Built, evidence: Evidence) -> list[Block]:
    """Compare the shares of genders and ages in training with what the eval images seem to have."""
    labels = voted.known.labels
    try:
        stack = read_eval(voted.trials, evidence.experiment.folder.read_eval_images()).stack
    except UserError as error:
        return [Text(f"What the eval images show cannot be estimated: {error}.", quiet=True)]
    joint = voted.ensemble.combination(stack)
    estimated = fitted_share_model(voted.joint, labels).estimate(joint)
    rows = [
        [f"{task}: {name}", f"{np.mean(decode(labels)[task] == number):.0%}", f"{share:.0%}"]
        for task in ESTIMATED
        for number, (name, share) in enumerate(
            zip(TASK_CLASSES[task], estimated[task], strict=True)
        )
    ]
    headings = ["", "of the scored images", "of the eval images, estimated"]
    return [Text("Who is in the eval images?"), Table("shares", headings, rows)]


def _how_to_read(voted: Built) -> str:
    return (
        f"Of the {len(voted.trials)} best trials that predicted the eval images. Everything that a "
        "method chooses or fits, it does without the persons it is scored on. “rule”: class "
        "offsets that raise macro-F1, fitted beside it; grey is before, orange after. Lines are "
        "95 % intervals from resampling persons. log, soft, hard and rank are votes of the "
        f"{DEFAULT_TOP} best; weighted, greedy, task and stack are fitted. Below are the "
        f"{DEFAULT_TOP} best members, as on the leaderboard."
    )


@dataclass(frozen=True)
class _Line:
    """A score with its interval, at the height of its row."""

    height: float
    name: str
    score: float
    low: float
    high: float


def _figure(voted: Built, standings: Mapping[str, Standing]) -> go.Figure:
    methods = list(dict.fromkeys(one.method for one in voted.compared))
    members = [trial for trial in voted.trials[:DEFAULT_TOP] if trial.name in standings]
    figure = go.Figure()
    for rule, name, colour, shift in (
        (False, "without rule", GREY, -APART),
        (True, "with rule", ORANGE, APART),
    ):
        group = [
            _Line(methods.index(one.method) + shift, one.name, one.score, one.low, one.high)
            for one in voted.compared
            if one.rule == rule
        ]
        _dots(figure, name, colour, group)
    _dots(figure, "members", BLUE, _member_lines(members, standings, len(methods)))
    rows = [*methods, *(plain(trial.name) for trial in members)]
    ticks: dict[str, Any] = {"tickvals": list(range(len(rows))), "ticktext": rows}
    figure.update_yaxes(range=[len(rows) - 0.4, -0.6], zeroline=False, ticklabelstandoff=6, **ticks)
    figure.update_xaxes(title="macro-F1; of methods nested by person")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(figure, 110 + 32 * len(rows)).update_layout(legend=legend)


def _member_lines(
    members: Sequence[Trial], standings: Mapping[str, Standing], first: int
) -> list[_Line]:
    return [
        _Line(first + row, trial.name, trial.best.score, one.low, one.high)
        for row, trial in enumerate(members)
        if trial.best and (one := standings[trial.name])
    ]


def _dots(figure: go.Figure, name: str, colour: str, lines: Sequence[_Line]) -> None:
    figure.add_scatter(
        x=[round(one.score, 4) for one in lines],
        y=[one.height for one in lines],
        text=[plain(one.name) for one in lines],
        name=name,
        mode="markers",
        marker={"color": colour, "size": 9},
        error_x={
            "array": [round(max(0.0, one.high - one.score), 4) for one in lines],
            "arrayminus": [round(max(0.0, one.score - one.low), 4) for one in lines],
            "thickness": 1.5,
            "color": colour,
        },
        hovertemplate="%{text}: %{x:.4f}<extra></extra>",
    )


def _table(voted: Built) -> Table:
    headings = ["method", "macro-F1", "95 % interval", "behind the best", "95 % interval"]
    rows = [
        [
            one.name,
            f"{one.score:.3f}",
            f"{one.low:.3f} to {one.high:.3f}",
            f"{one.behind.value:+.3f}",
            f"{one.behind.low:+.3f} to {one.behind.high:+.3f}",
        ]
        for one in sorted(voted.compared, key=lambda one: -one.score)
    ]
    return Table("methods", headings, rows, shown=8)
