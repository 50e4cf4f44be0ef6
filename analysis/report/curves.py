"""How did the trials learn? Scores by epoch, with the rungs at which they were compared."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from analysis.figures import BLUE, GREEN, GREY, ORANGE, PINK, RED, plain, styled
from analysis.report.evidence import Evidence
from analysis.report.levels import rungs
from analysis.report.section import Block, Drawing, Section, Text
from analysis.results import Trial

ANCHOR, TITLE = "curves", "Learning curves"
COLOURS: Mapping[str, str] = {
    "completed": BLUE,
    "stopped": GREY,
    "running": ORANGE,
    "failed": PINK,
}
NAMES: Mapping[str, str] = {
    "completed": "trained to the end",
    "stopped": "stopped early",
    "running": "running or paused",
    "failed": "failed",
}


def curves_section(evidence: Evidence) -> Section:
    """Show the score of every trial after every epoch."""
    trained = [trial for trial in evidence.experiment.trials if trial.results.epochs]
    if not trained:
        return Section(ANCHOR, TITLE, [Text("No trial has finished an epoch yet.")])
    levels = rungs(evidence)
    blocks: list[Block] = [
        Text(_explained(evidence, levels)),
        Drawing("curves", _figure(evidence, trained, levels)),
    ]
    return Section(ANCHOR, TITLE, blocks)


def _explained(evidence: Evidence, levels: Sequence[int]) -> str:
    words = f"{evidence.score_name} out-of-fold after each epoch; the pointer names the trial."
    if levels:
        numbers = ", ".join(map(str, levels))
        words += (
            f" Dashed: the rungs (epoch {numbers}), where trials are compared and only the better "
            "ones go on."
        )
    elif evidence.record.settings.get("scheduler"):
        words += " No trial was held back at a rung."
    if any(len({epoch.folds for epoch in one.results.epochs}) > 1 for one in evidence.scored):
        words += (
            " Folds are trained in turn: a curve is broken where one is added, as the scores from "
            "there on are of more persons."
        )
    return words


def _figure(evidence: Evidence, trained: Sequence[Trial], levels: Sequence[int]) -> go.Figure:
    figure = go.Figure()
    for status, colour in COLOURS.items():
        group = [
            trial
            for trial in trained
            if trial.results.outcome.status == status and trial is not evidence.best
        ]
        if group:
            _lines(figure, NAMES[status], group, {"color": colour, "width": 1.2})
    if evidence.best:
        name = f"the best: {evidence.best.name}"
        _lines(figure, plain(name), [evidence.best], {"color": GREEN, "width": 3.5})
    for level in levels:
        figure.add_vline(x=level, line={"dash": "dash", "color": RED, "width": 1})
    figure.update_xaxes(title="epoch", rangemode="tozero")
    figure.update_yaxes(title=evidence.score_name)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(figure, 460).update_layout(legend=legend, hovermode="closest")


def _lines(figure: go.Figure, name: str, trials: Sequence[Trial], line: dict[str, object]) -> None:
    """Draw many curves as one line with gaps, which is drawn as fast as one."""
    points = [point for trial in trials for point in _curve(trial)]
    epochs, scores, names = zip(*points, strict=True)
    figure.add_scatter(
        x=epochs,
        y=scores,
        text=names,
        name=name,
        mode="lines+markers",
        line=line,
        marker={"size": 4},
        connectgaps=False,
        hovertemplate="%{text}, epoch %{x}: %{y:.4f}<extra></extra>",
    )


def _curve(trial: Trial) -> list[tuple[int | None, float | None, str | None]]:
    """Return a trial's points, and a gap where the score begins to pool more folds, and last."""
    points: list[tuple[int | None, float | None, str | None]] = []
    before = None
    for epoch in trial.results.epochs:
        if before is not None and epoch.folds != before:
            points.append((None, None, None))
        points.append((epoch.epoch, round(epoch.score, 4), plain(trial.name)))
        before = epoch.folds
    return [*points, (None, None, None)]
