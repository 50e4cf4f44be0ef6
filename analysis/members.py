"""Which trials vote? The best of an experiment, or those that were named."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.commands import tell
from analysis.predictions import read_eval, read_validation
from analysis.results import Experiment, Trial, load_experiment
from analysis.submission import images_to_answer
from trainable.settings import UserError, unknown_name

DEFAULT_TOP = 3


def chosen_members(experiment: Experiment, top: int | None, trials: str | None) -> list[Trial]:
    """Return the trials named with commas between, or the ``top`` best finished ones.

    Without both, the DEFAULT_TOP best, or as many as have finished. Damaged trials that are not
    among the best for that are told. Raises UserError as the functions below do.
    """
    if trials is not None and top is not None:
        raise UserError("choose --top or --trials, not both")
    if trials is not None:
        return named_members(experiment, [name.strip() for name in trials.split(",")])
    for damaged in experiment.damaged:
        tell(f"warning: {damaged.name} is left out: {damaged.reason}")
    finished = max(1, len(experiment.finished))
    return best_members(experiment, min(DEFAULT_TOP, finished) if top is None else top)


def best_members(experiment: Experiment, top: int) -> list[Trial]:
    """Return the ``top`` best finished trials; UserError where there are fewer, or top < 1."""
    finished, name = experiment.finished, experiment.folder.name
    if not finished:
        raise UserError(f"no trial of {name} has finished yet")
    if not 1 <= top <= len(finished):
        count = len(finished)
        raise UserError(f"--top {top}: {name} has {count} finished trials; choose 1 to {count}")
    return finished[:top]


def candidates(experiment: Experiment, members: Sequence[Trial], *, final: bool) -> list[Trial]:
    """Return ``members`` and the other finished trials that an ensemble may choose from.

    These answer all eval images, and were scored over as many folds on what the members were; how
    many do not is told, and which cannot be read.
    """
    folds = min(member.folds for member in members)
    names = {member.name for member in members}
    others = [one for one in experiment.finished if one.name not in names and one.folds >= folds]
    answering = [one for one in others if one.folder.has_final() or not final]
    answering = [one for one in answering if one.folder.has_eval() or final]
    if len(answering) < len(others):
        tell(
            "note: other trials that take no part, having no eval probabilities: "
            f"{len(others) - len(answering)} (search.keep= says how many best trials get them)"
        )
    beside = _why_not_beside(experiment, members, answering, final=final)
    for name, reason in beside.items():
        tell(f"warning: {name} takes no part: {reason}")
    return [*members, *(one for one in answering if one.name not in beside)]


def _why_not_beside(
    experiment: Experiment, members: Sequence[Trial], others: Sequence[Trial], *, final: bool
) -> dict[str, str]:
    """Return which of the others would stop the members, or cut what they are scored on."""
    images, eval_images = experiment.folder.read_images(), images_to_answer(experiment.folder)
    rows = read_validation(members, images).rows
    reasons: dict[str, str] = {}
    for trial in others:
        try:
            read_eval([trial], eval_images, final=final)
            left_out = np.setdiff1d(rows, read_validation([trial], images).rows)
        except UserError as error:
            reasons[trial.name] = str(error)
            continue
        if len(left_out):
            reasons[trial.name] = f"it was not scored on {len(left_out)} of {len(rows)} images"
    return reasons


def named_members(experiment: Experiment, names: Sequence[str]) -> list[Trial]:
    """Return the finished trials called ``names``; UserError names the one that may not vote.

    `<experiment>/<trial>` is one of another experiment, in the same folder and on the same data.
    """
    members = [_named_member(experiment, name) for name in names]
    if len({member.folder.path.resolve() for member in members}) < len(names):
        raise UserError(f"--trials {','.join(names)}: name each trial once")
    return members


def _named_member(experiment: Experiment, name: str) -> Trial:
    other, slash, trial = name.rpartition("/")
    if not slash:
        return _member(experiment, name)
    found = load_experiment(experiment.folder.path.parent, other)
    of_both = [one.folder.read_record().data_fingerprint for one in (experiment, found)]
    if of_both[0] != of_both[1]:
        raise UserError(
            f"{name} was trained on other data than {experiment.folder.name}: they cannot vote "
            "together"
        )
    return replace(_member(found, trial), name=name)


def _member(experiment: Experiment, name: str) -> Trial:
    for damaged in experiment.damaged:
        if damaged.name == name:
            raise UserError(damaged.reason)
    trials = {trial.name: trial for trial in experiment.trials}
    if name not in trials:
        raise unknown_name(f"trial of {experiment.folder.name}", name, trials)
    if not trials[name].is_finished:
        raise UserError(_why_not(trials[name]))
    return trials[name]


def _why_not(trial: Trial) -> str:
    outcome = trial.results.outcome
    if trial.best is None:
        return f"{trial.name} cannot vote: it is {outcome.status} and has not finished an epoch"
    if trial.has_failed:
        return f"{trial.name} cannot vote: it failed: {outcome.reason}"
    return f"{trial.name} cannot vote: it is still running"
