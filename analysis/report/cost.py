"""What did it cost? Seconds by part, epochs, and what went into trials that were stopped."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

import plotly.graph_objects as go

from analysis.figures import BLUE, GREEN, GREY, ORANGE, PINK, RED, plain, styled
from analysis.report.evidence import Evidence
from analysis.report.section import Block, Drawing, Section, Table, Text
from analysis.results import Trial
from trainable.growing import last_grown

ANCHOR, TITLE = "cost", "Cost"
STATUSES = ("completed", "stopped", "running", "failed")
COLOURS = (BLUE, GREEN, ORANGE, PINK, RED, GREY)
HOUR, MINUTE = 3600, 60


def cost_section(evidence: Evidence) -> Section:
    """Show where the time went."""
    trials = [one for one in evidence.experiment.trials if not one.results.record.taken_from]
    if not any(trial.results.epochs for trial in trials):
        return Section(ANCHOR, TITLE, [Text("No epoch was trained yet.")])
    blocks: list[Block] = [
        Text(_in_words(trials, _wall_seconds(evidence))),
        _table(trials),
        Drawing("cost", _figure(trials)),
        Text(_machines(trials), quiet=True),
    ]
    taken = len(evidence.experiment.trials) - len(trials)
    if taken:
        blocks.append(Text(f"{taken} trial(s) took the results of equal ones and cost nothing."))
    return Section(ANCHOR, TITLE, blocks)


def _in_words(trials: Sequence[Trial], wall: float | None) -> str:
    """Say how long it took, and how many trials an hour that is where ``wall`` is known."""
    epochs = sum(len(trial.results.epochs) for trial in trials)
    spent = sum(map(_seconds, trials))
    words = f"{len(trials)} trials, {epochs:,} epochs, {duration(spent)} of training in all"
    if wall:
        words += (
            f", in {duration(wall)}: {len(trials) / wall * HOUR:.3g} trials an hour, "
            f"{epochs / wall * MINUTE:.3g} epochs a minute, {spent / wall:.2g} trials at a time"
        )
    return f"{words}."


def duration(seconds: float) -> str:
    """Return seconds as people read them."""
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h"


def _seconds(trial: Trial) -> float:
    return sum(epoch.epoch_seconds for epoch in trial.results.epochs)


def _wall_seconds(evidence: Evidence) -> float | None:
    """Return the time from start to last decision; None if it was resumed, or is not known."""
    started, ended = evidence.record.started, last_grown(evidence.experiment.folder.journal)
    if len(started) != 1 or ended is None:
        return None
    seconds = ended - datetime.fromisoformat(started[0]).timestamp()
    return seconds if seconds > 0 else None


def _table(trials: Sequence[Trial]) -> Table:
    groups = {
        status: [one for one in trials if one.results.outcome.status == status]
        for status in STATUSES
    }
    total = sum(map(_seconds, trials))
    rows = [
        [
            status,
            f"{len(group):,}",
            f"{sum(len(trial.results.epochs) for trial in group):,}",
            duration(sum(map(_seconds, group))),
            f"{sum(map(_seconds, group)) / total:.0%}",
        ]
        for status, group in groups.items()
        if group
    ]
    return Table("spent", ["trials that are", "number", "epochs", "training", "share"], rows)


def _figure(trials: Sequence[Trial]) -> go.Figure:
    """Draw the seconds of each part of an epoch, by how the trials ended, stacked."""
    figure = go.Figure()
    parts = {status: _parts(trials, status) for status in STATUSES}
    kept = [status for status in STATUSES if any(parts[status].values())]
    names = dict.fromkeys(name for status in kept for name in parts[status])
    for number, name in enumerate(names):
        figure.add_bar(
            y=kept,
            x=[round(parts[status].get(name, 0.0) / MINUTE, 3) for status in kept],
            name=plain(name),
            orientation="h",
            marker_color=COLOURS[number % len(COLOURS)],
            hovertemplate="%{y}: %{x:.2f} min<extra>" + plain(name) + "</extra>",
        )
    figure.update_xaxes(title="minutes of training, over all trials")
    figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    layout = styled(figure, 130 + 45 * len(kept))
    return layout.update_layout(barmode="stack", legend=legend)


def _parts(trials: Sequence[Trial], status: str) -> dict[str, float]:
    group = [trial.results for trial in trials if trial.results.outcome.status == status]
    spent = defaultdict[str, float](float, setup=sum(one.record.setup_seconds for one in group))
    for epoch in (epoch for one in group for epoch in one.epochs):
        for name, seconds in epoch.seconds.items():
            spent[name] += seconds
    return spent


def _machines(trials: Sequence[Trial]) -> str:
    kinds = Counter(
        f"{one.host} ({one.device}, {one.threads} thread(s), {one.precision}, {one.processor})"
        for one in (trial.results.record.machine for trial in trials)
    )
    return (
        "Trained on " + "; ".join(f"{kind}: {count} trials" for kind, count in kinds.items()) + "."
    )
