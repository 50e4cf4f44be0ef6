"""Which trials are best, and how sure is that? The leaderboard with intervals."""

from collections.abc import Sequence

import plotly.graph_objects as go

from analysis.figures import GREEN, GREY, plain, styled
from analysis.leaderboard import Place, leaderboard_places
from analysis.report.evidence import Evidence, Standing
from analysis.report.section import Block, Drawing, Section, Table, Text
from analysis.report.varied import Varied, foldable
from trainable.metric_names import METRIC_HEADINGS, SCORE

ANCHOR, TITLE = "leaderboard", "Leaderboard"
SHOWN = 12
"""Lines of the table before it unfolds."""


def places_section(evidence: Evidence, varied: Sequence[Varied]) -> Section:
    """Show all trials by rank, how sure the ranks of the best are, and what they differ in."""
    experiment = evidence.experiment
    if not experiment.trials and not experiment.damaged:
        return Section(ANCHOR, TITLE, [Text("No trial has started yet.")])
    places = leaderboard_places(experiment, evidence.shrunken)
    blocks: list[Block] = [*_sureness(evidence)]
    blocks.append(_table(places, evidence))
    if varied:
        blocks += [Text("The settings that they differ in:"), _settings_table(evidence, varied)]
    blocks += [
        Text(f"{place.trial} ({place.status}): {place.reason}", quiet=True)
        for place in places
        if place.reason and place.status in ("failed", "damaged")
    ]
    return Section(ANCHOR, TITLE, blocks)


def how_sure(evidence: Evidence) -> list[str]:
    """Say in words how far the best trial can be told from the others."""
    best, standings = evidence.best, evidence.standings
    if best is None or best.name not in standings:
        return ["How sure the score is cannot be told: its predictions are not stored."]
    own = standings[best.name]
    persons = evidence.images.loc[evidence.answers[best.name].rows, "person"].nunique()
    sentences = [
        f"With other persons of the same kind its {evidence.score_name} would lie between "
        f"{own.low:.3f} and {own.high:.3f} (95 % of resamples of the {persons:,} scored persons)."
    ]
    rivals = [name for name, one in standings.items() if name != best.name and one.may_be_best]
    if len(standings) == 1:
        return sentences
    sentences += _expected(evidence)
    sentences.append(
        f"It is the best of {len(standings)} compared trials in {own.leads:.0%} of these resamples."
    )
    if rivals:
        sentences.append(
            f"By these persons alone it cannot be told from {_listed(rivals)}: the distance is "
            "within chance."
        )
    else:
        sentences.append("No other trial comes so near that chance would explain the distance.")
    return sentences


def _expected(evidence: Evidence) -> list[str]:
    """Say what is left of the best score without the luck that it was chosen by."""
    found = evidence.shrunken.get(evidence.best.name) if evidence.best else None
    if found is None or found.among == 1:
        return []
    return [
        f"As the highest of {found.among} scores it owes something to luck: on other persons "
        f"hardly more than {found.estimate:.3f} is to be expected, not {found.score:.3f} (the "
        "winner's curse)."
    ]


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _sureness(evidence: Evidence) -> list[Block]:
    if not evidence.scored:
        return [Text("No trial has a score: each failed, or has not finished an epoch.")]
    blocks: list[Block] = [Text(" ".join(how_sure(evidence)))]
    if len(evidence.standings) > 1:
        blocks.append(Drawing("leaders", _figure(evidence)))
        blocks.append(Text(_how_to_read(evidence), quiet=True))
    return blocks + [
        Text(f"No interval for {name}: {reason}", quiet=True)
        for name, reason in evidence.unknown.items()
    ]


def _how_to_read(evidence: Evidence) -> str:
    return (
        f"Dots: {evidence.score_name} of the {len(evidence.standings)} best trials, with 95 % "
        "intervals from resampling persons. Green: may be the best, as the paired difference to "
        "the first is within chance; intervals of two trials overlap more than their difference "
        "varies, since both were asked about the same persons. Shrunken: what is to be expected on "
        "other persons, without what a score owes to luck (empirical Bayes over all trials)."
    )


def _figure(evidence: Evidence) -> go.Figure:
    figure = go.Figure()
    for name, colour, is_rival in (("may be the best", GREEN, True), ("worse", GREY, False)):
        group = {
            trial: one for trial, one in evidence.standings.items() if one.may_be_best == is_rival
        }
        if group:
            _dots(figure, name, colour, (group, evidence))
    figure.update_xaxes(title=evidence.score_name)
    order = [plain(name) for name in evidence.standings]
    figure.update_yaxes(
        categoryorder="array", categoryarray=order, autorange="reversed", ticklabelstandoff=6
    )
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(figure, 110 + 22 * len(order)).update_layout(legend=legend)


def _dots(
    figure: go.Figure, name: str, colour: str, of: tuple[dict[str, Standing], Evidence]
) -> None:
    group, evidence = of
    scores = {trial.name: trial.best.score for trial in evidence.scored if trial.best}
    figure.add_scatter(
        y=[plain(trial) for trial in group],
        x=[round(scores[trial], 4) for trial in group],
        name=name,
        mode="markers",
        marker={"color": colour, "size": 9},
        error_x={
            "array": [round(max(0.0, one.high - scores[trial]), 4) for trial, one in group.items()],
            "arrayminus": [
                round(max(0.0, scores[trial] - one.low), 4) for trial, one in group.items()
            ],
            "thickness": 1.5,
            "color": colour,
        },
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )


def _table(places: Sequence[Place], evidence: Evidence) -> Table:
    metrics = [name for name in METRIC_HEADINGS if any(name in one.metrics for one in places)]
    headings = [
        *("", "trial"),
        *(METRIC_HEADINGS[name].replace("-\n", "").replace("\n", " ") for name in metrics),
        *("shrunken", "95 % interval", "best epoch", "status"),
    ]
    rows = [
        [
            str(place.rank or ""),
            place.trial,
            *(_number(place.metrics.get(name)) for name in metrics),
            _number(place.shrunken.estimate if place.shrunken else None),
            _interval(evidence.standings.get(place.trial)),
            f"{place.best_epoch or '-'} of {place.epochs}",
            place.status,
        ]
        for place in places
    ]
    caption = (
        ""
        if SCORE in metrics or not metrics
        else "These trials answer some tasks only: macro-F1 is of all."
    )
    return Table("places", headings, rows, caption, SHOWN)


def _settings_table(evidence: Evidence, varied: Sequence[Varied]) -> Table:
    headings = ["trial", evidence.score_name, *(foldable(one.path) for one in varied)]
    rows = [
        [
            trial.name,
            _number(trial.best.score if trial.best else None),
            *(one.text(trial.name) for one in varied),
        ]
        for trial in evidence.scored
    ]
    return Table("settings", headings, rows, shown=SHOWN)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(standing: Standing | None) -> str:
    return f"{standing.low:.3f} to {standing.high:.3f}" if standing else ""
