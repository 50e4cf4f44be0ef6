"""What would a newcomer ask? The best configuration, how sure, why, where it fails, what next."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.ensembles.built import Built
from analysis.members import DEFAULT_TOP
from analysis.report import ages, confusions, mattered, places
from analysis.report.confirmation import confirmed_best
from analysis.report.evidence import Evidence
from analysis.report.importance import FEWEST, Ranking
from analysis.report.mattered import verdict
from analysis.report.section import Answer
from analysis.report.voted import ANCHOR, in_words
from trainable.labels import TASKS
from trainable.records import compact
from trainable.settings import UserError

BEST, SURE, MATTERED, FAILS, SUBMIT = (
    "Which configuration is best?",
    "How sure are we?",
    "What mattered?",
    "Where does it fail?",
    "What should we submit?",
)
AUTO = "auto"
"""The command's name for the simplest method that is not clearly worse than the best."""


@dataclass(frozen=True)
class Findings:
    """What was found out for the sections; ``varied`` settings differ among the trials."""

    ranking: Ranking | None
    varied: int
    voted: Built | UserError


def summary(evidence: Evidence, findings: Findings) -> list[Answer]:
    """Return the answers at the top of the report."""
    told = _mattered(evidence, findings.ranking, findings.varied)
    return [
        Answer(BEST, _best(evidence), places.ANCHOR),
        Answer(SURE, _sure(evidence), places.ANCHOR),
        Answer(MATTERED, [told], mattered.ANCHOR),
        Answer(FAILS, _fails(evidence), confusions.ANCHOR),
        _submit(evidence, findings.voted),
    ]


def state(evidence: Evidence) -> str:
    """Say how many trials there are and how they ended."""
    counts = Counter(trial.results.outcome.status for trial in evidence.experiment.trials)
    words = {
        "completed": "trained to the end",
        "stopped": "stopped early",
        "running": "running or paused",
        "failed": "failed",
    }
    found = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
    damaged = len(evidence.experiment.damaged)
    found += [f"{damaged} damaged"] if damaged else []
    if not found:
        return "No trial has started yet."
    total = counts.total() + damaged
    hint = " The search is not over: all of this may change." if evidence.is_running else ""
    return f"{total} trials: {', '.join(found)}.{hint}"


def _best(evidence: Evidence) -> list[str]:
    best = evidence.best
    if best is None or best.best is None:
        return ["None yet: no trial has finished an epoch without failing."]
    folds = f", pooled over {best.folds} folds" if best.folds > 1 else ", on one split of persons"
    record = best.results.record
    settings = compact(record.values) or "the settings all trials have"
    made = f"Its weights are the mean of those of {', '.join(record.mixed_from)}."
    return [
        f"{best.name}: {evidence.score_name} {best.best.score:.3f} out-of-fold{folds}, "
        f"at epoch {best.results.best_length} of {best.results.record.config.train.epochs}.",
        made if record.mixed_from else f"Its settings: {settings}.",
    ]


def _sure(evidence: Evidence) -> list[str]:
    if evidence.best is None:
        return ["There is nothing to be sure of yet."]
    again = confirmed_best(evidence)
    return [*places.how_sure(evidence), *([again] if again else [])]


def _mattered(evidence: Evidence, ranking: Ranking | None, varied: int) -> str:
    if ranking:
        return verdict(ranking)
    if not varied:
        return "That cannot be told: all trials with a score have the same settings."
    return (
        f"{len(evidence.scored)} trials with a score cannot tell: it takes {FEWEST} in one space."
    )


def _fails(evidence: Evidence) -> list[str]:
    judged = evidence.judged
    if judged is None:
        return ["That cannot be told: no predictions are stored."]
    worst, near = confusions.worst_classes(judged), ages.near_and_far(judged)
    return [
        f"By task, the hardest first: {'; '.join(confusions.by_task(judged))}.",
        *([f"The worst classes are {', '.join(worst)}."] if worst else []),
        *([near] if near else []),
    ]


def _submit(evidence: Evidence, voted: Built | UserError) -> Answer:
    voters = [trial for trial in evidence.experiment.finished if trial.folder.has_eval()]
    if not voters:
        return Answer(SUBMIT, _nothing_to_submit(evidence), places.ANCHOR, _commands(evidence))
    missing = [task for task in TASKS if not any(task in trial.tasks for trial in voters)]
    if missing:
        words = (
            f"These trials do not answer {' and '.join(missing)}: join them with trials of another "
            "experiment that do."
        )
        command = "python -m analysis.ensemble --method task --trials <trial>,<experiment>/<trial>"
        return Answer(SUBMIT, [words], ANCHOR, [command + evidence.options])
    if isinstance(voted, Built):
        command = f"python -m analysis.ensemble --method {AUTO}{evidence.options}"
        return Answer(SUBMIT, [in_words(voted)], ANCHOR, [command])
    top = min(DEFAULT_TOP, len(voters))
    command = f"python -m analysis.ensemble --top {top}{evidence.options}"
    words = f"The vote of the {top} best; which method is best cannot be told: {voted}."
    return Answer(SUBMIT, [words], ANCHOR, [command])


def _nothing_to_submit(evidence: Evidence) -> list[str]:
    if not evidence.experiment.finished:
        return ["Nothing yet: no trial has ended."]
    return ["First let the best trials predict the eval images, as none has yet; then vote."]


def _commands(evidence: Evidence) -> Sequence[str]:
    finished = evidence.experiment.finished
    if not finished:
        return []
    return [f"python -m trainable.predict trial={shlex.quote(str(finished[0].folder.path))}"]
