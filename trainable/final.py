"""Train a scored trial again, on all persons: `python -m trainable.final trial=<folder>`.

Cross-validation has found how many epochs are best; nobody is held back now, so there is no score.
"""

import sys
from collections.abc import Mapping

import torch

from trainable.checkpoint import load_state, save_state
from trainable.command_line import Schema, read_words, run_command
from trainable.experiment import check_same_data, check_same_views, refuse_mixed
from trainable.files import remove
from trainable.fitting import Fit
from trainable.fold_fit import DivergedError
from trainable.locations import Location
from trainable.patience import patient
from trainable.predict import StoredTrialWords, stored_trial
from trainable.recorded import write_weights
from trainable.settings import UserError, Value
from trainable.storage_errors import UnreadableFileError
from trainable.store import experiment_of
from trainable.trial_folder import TrialFolder

SCHEMA = Schema("trainable.final", StoredTrialWords, {})
ON_ALL: Mapping[str, Value] = {"cv.folds": 0, "cv.fidelity": "epochs"}
"""The settings with which nobody is held back."""


def main(words: list[str]) -> int:
    """Train the trial that the words name on all persons, and predict the eval images with it."""
    folder = stored_trial(read_words(SCHEMA, words).settings.trial)
    train_on_all(folder)
    print(f"{folder.path}: eval images predicted by a training on all persons")
    return 0


def train_on_all(folder: TrialFolder) -> None:
    """Train on all persons for as many epochs as scored best; go on with one that was stopped."""
    with patient(), folder.held():
        folder.discard_partial_files()
        _train(folder)


def _train(folder: TrialFolder) -> None:
    results = folder.read()
    refuse_mixed(results.record)
    best = results.best_length
    if best is None:
        raise UserError(f"{folder.path} has no score yet: which epoch is best is not known")
    fit = Fit(results.record.config.with_values(ON_ALL))
    check_same_data(experiment_of(folder), fit.data)
    check_same_views(results.record, fit.views)
    unfinished = folder.final_state_file
    if unfinished.exists():
        _go_on(fit, unfinished)
    try:
        while fit.epoch < best:
            epoch, *_ = fit.train_epoch()
            save_state(fit.state_dict(), unfinished)
            print(f"epoch {fit.epoch} of {best}  loss {epoch.loss:.3f}", flush=True)
    except (DivergedError, torch.OutOfMemoryError) as error:
        raise UserError(f"{folder.path}: {error}") from None
    write_weights(fit, folder.final_weights_file)
    folder.write_final(fit.eval_probabilities())
    remove(unfinished)


def _go_on(fit: Fit, unfinished: Location) -> None:
    try:
        fit.load_state_dict(load_state(unfinished))
    except UnreadableFileError as error:
        print(f"{error}: it starts anew", file=sys.stderr)


if __name__ == "__main__":
    run_command(SCHEMA, main)
