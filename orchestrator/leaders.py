"""Which stored trials are worth training again? The best of an experiment, or those named."""

from collections.abc import Sequence

from trainable.experiment import refuse_mixed
from trainable.locations import Location
from trainable.recipes.recipe import Settings
from trainable.records import SEED, ConfirmedTrial, TrialResults, rank
from trainable.settings import UserError
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder, open_experiment
from trainable.trial_folder import TrialFolder


def searched_experiment(runs: Location, name: str) -> ExperimentFolder:
    """Return the experiment to confirm; UserError where it is a confirmation itself."""
    folder = open_experiment(runs, name)
    confirms = folder.read_record().confirms
    if confirms:
        raise UserError(
            f"{folder.name} is itself a confirmation, of {confirms[0].trial.partition('/')[0]}: "
            "say with experiment= which search to confirm"
        )
    return folder


def finished_trials(folder: ExperimentFolder) -> dict[str, TrialResults]:
    """Return the trials that ended without an error, by name, the best first.

    What cannot be read is not among them; UserError where there are none.
    """
    found = {trial.name: results for trial in folder.trials() if (results := _finished(trial))}
    if not found:
        raise UserError(f"no trial of {folder.name} has finished: there is nothing to confirm")
    return dict(sorted(found.items(), key=lambda item: _best_first(item[1])))


def best_configurations(
    folder: ExperimentFolder, finished: dict[str, TrialResults], top: int
) -> list[ConfirmedTrial]:
    """Return the ``top`` best of different configurations; UserError where there are fewer.

    Trials that differ by their seed alone are one configuration, and the best of them stands.
    """
    different: list[ConfirmedTrial] = []
    for name, results in finished.items():
        leader = _leader(folder, name, results)
        if all(leader.values != other.values for other in different):
            different.append(leader)
    if top > len(different):
        count = len(different)
        raise UserError(
            f"--top {top}: {folder.name} has {count} finished configurations; choose 1 to {count}"
        )
    return different[:top]


def named_configurations(
    folder: ExperimentFolder, finished: dict[str, TrialResults], names: Sequence[str]
) -> list[ConfirmedTrial]:
    """Return the trials called ``names``; UserError where one is unknown or has not finished."""
    found: list[ConfirmedTrial] = []
    for name in names:
        refuse_mixed(folder.existing_trial(name).read().record)
        if name not in finished:
            raise UserError(f"{name} of {folder.name} has not finished: it cannot be confirmed")
        leader = _leader(folder, name, finished[name])
        if any(leader.values == other.values for other in found):
            raise UserError(f"trials={','.join(names)}: name each configuration once")
        found.append(leader)
    return found


def _leader(folder: ExperimentFolder, name: str, results: TrialResults) -> ConfirmedTrial:
    assert results.best
    values: Settings = {
        path: value for path, value in results.record.values.items() if path != SEED
    }
    trial = f"{folder.name}/{name}"
    return ConfirmedTrial(trial=trial, score=results.best.score, values=dict(values))


def _finished(trial: TrialFolder) -> TrialResults | None:
    try:
        results = trial.read()
    except UnreadableFileError:
        return None
    ended = results.outcome.status in ("completed", "stopped")
    is_trained = results.best and not results.record.mixed_from
    return results if ended and is_trained else None


def _best_first(results: TrialResults) -> tuple[int, float]:
    assert results.best
    folds, score = rank(results.best)
    return -folds, -score
