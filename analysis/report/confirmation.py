"""Do the leaders stay ahead when they are trained again? Confirmations, if there are any."""

from collections.abc import Sequence

from analysis.confirmed import Confirmed, confirmations_of, confirmed_trials
from analysis.report.evidence import Evidence
from analysis.report.section import Block, Commands, Section, Table, Text
from analysis.results import Experiment, load_experiment
from trainable.settings import UserError

ANCHOR, TITLE = "confirmation", "Confirmation"
LEADERS = 3
"""So many are worth training again."""


def confirmation_section(evidence: Evidence) -> Section:
    """Show the means over seeds of trials that were trained again."""
    found = confirming(evidence)
    if not found:
        words = (
            "The leaders were not trained again. Other seeds and folds would show how much of "
            "their lead is chance in training, which resampling persons does not."
        )
        return Section(ANCHOR, TITLE, [Text(words), *_how_to_confirm(evidence)])
    blocks: list[Block] = [Text(_how_to_read(), quiet=True)]
    for experiment in found:
        blocks += _blocks(experiment)
    return Section(ANCHOR, TITLE, blocks)


def _how_to_confirm(evidence: Evidence) -> list[Block]:
    finished = len(evidence.experiment.finished)
    if not finished:
        return []
    words = {"runs": "search.runs", "experiment": "experiment"}
    where = "".join(f" {words[name]}={value}" for name, value in evidence.named.items())
    return [Commands([f"python -m orchestrator.confirm --top {min(LEADERS, finished)}{where}"])]


def confirming(evidence: Evidence) -> list[Experiment]:
    """Return the experiments that trained trials of this one again, itself if it is one."""
    folder = evidence.experiment.folder
    if evidence.record.confirms:
        return [evidence.experiment]
    return [load_experiment(folder.path.parent, name) for name in confirmations_of(folder)]


def confirmed_best(evidence: Evidence) -> str:
    """Say which trial the latest confirmation finds best; empty if there is none."""
    for experiment in reversed(confirming(evidence)):
        try:
            found = confirmed_trials(experiment)
        except UserError:
            continue
        if found:
            return _in_words(found)
    return ""


def _in_words(found: Sequence[Confirmed]) -> str:
    best = found[0]
    words = (
        f"Trained again ({_trainings(best)}), {best.trial} is the best with {best.score:.3f} "
        f"({best.low:.3f} to {best.high:.3f})."
    )
    if len(found) > 1:
        second = found[1]
        ahead = best.better[second.trial].probability
        words += f" It is really better than {second.trial} with a probability of {ahead:.0%}."
    return words


def _blocks(experiment: Experiment) -> list[Block]:
    try:
        found = confirmed_trials(experiment)
    except UserError as error:
        return [Text(f"{experiment.folder.name} cannot be shown: {error}.")]
    if not found:
        return [Text(f"{experiment.folder.name} has completed no training yet.")]
    return [Text(f"{experiment.folder.name}: {_in_words(found)}"), _table(experiment, found)]


def _table(experiment: Experiment, found: Sequence[Confirmed]) -> Table:
    headings = [
        *("trial", "trainings", "chosen by", "mean", "spread", "95 % interval"),
        *("mean on persons that chose nobody", "better than the first, with probability"),
    ]
    rows = [
        [
            one.trial,
            f"{len(one.trainings)}",
            f"{one.chosen.score:.3f}",
            f"{one.score:.3f}",
            "" if one.spread is None else f"{one.spread:.3f}",
            f"{one.low:.3f} to {one.high:.3f}",
            "" if one.unseen_score is None else f"{one.unseen_score:.3f}",
            "" if one is found[0] else f"{one.better[found[0].trial].probability:.0%}",
        ]
        for one in found
    ]
    return Table(f"confirmed-{experiment.folder.name}", headings, rows)


def _trainings(one: Confirmed) -> str:
    count = len(one.trainings)
    return f"{count} seeds" if count > 1 else "one seed"


def _how_to_read() -> str:
    return (
        "Scores are means over trainings with other seeds and other folds. Intervals take both "
        "into account: other persons, and other seeds where there are several."
    )
