"""Train one configuration, or a stored trial again, with no Ray: `python -m trainable.fit`."""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime

import torch
from pydantic import Field

from trainable.check import check_trial
from trainable.command_line import TRIAL_GROUPS, Schema, read_words, refuse_swept, run_command, tell
from trainable.config import RunsConfig, TrialConfig, trial_part
from trainable.experiment import Asked, check_unchanged, start_experiment
from trainable.fold_fit import DivergedError
from trainable.ignored import ignored_settings
from trainable.locations import Location, folder_named
from trainable.metric_names import SCORE
from trainable.predict import predict_eval
from trainable.recorded import RecordedFit
from trainable.records import EpochRecord, Outcome, TrialResults
from trainable.settings import UserError
from trainable.store import ExperimentFolder, create_experiment, open_experiment
from trainable.trial_folder import TrialFolder

TRIAL = "trial-001"


class FitConfig(TrialConfig):
    """The words of `python -m trainable.fit`: a trial's settings, and where it is kept."""

    recipe: str = Field(default="plain", description="recipe the settings started from")
    scale: str = Field(default="full", description="scale the settings started from")
    replay: str = Field(default="", description="<experiment>/<trial> to train again as it was")
    search: RunsConfig = Field(default=RunsConfig(), description="where it is kept")


SCHEMA = Schema("trainable.fit", FitConfig, TRIAL_GROUPS)


def main(words: list[str]) -> int:
    """Train what the words say; return 1 where a replay gives other numbers than the original."""
    given = read_words(SCHEMA, words)
    refuse_swept(given, "python -m orchestrator.search tries them")
    config = given.settings
    if config.replay:
        if given.pinned - {"replay", "search.runs", "search.name"}:
            raise UserError("replay= trains a trial as it was; give no other settings with it")
        return replay(config, words)
    trial = trial_part(config)
    tell(ignored_settings(trial, given.pinned))
    train(config, trial, trial.steps, words)
    return 0


def train(config: FitConfig, trial: TrialConfig, at_most: int, words: list[str]) -> TrialResults:
    """Train one configuration for ``at_most`` epochs, store and predict it; print each epoch."""
    seen = check_trial(trial)
    name = config.search.name or datetime.now(UTC).strftime("fit-%Y%m%d-%H%M%S")
    experiment = create_experiment(folder_named(config.search.runs), name)
    question = "How good is this one configuration?"
    asked = Asked(question, SCHEMA.command, words, trial.model_dump(), {})
    start_experiment(experiment, asked, seen)
    folder = experiment.trial(TRIAL)
    with closing(RecordedFit(trial, folder, {})) as fit:
        tell([fit.notice] if fit.notice else [])
        _train_epochs(fit, at_most, folder)
    results = folder.read()
    if results.outcome.status == "failed":
        raise UserError(f"{folder.path} failed: {results.outcome.reason}")
    predict_eval(folder)
    print(f"best {_best_line(results)}\nstored in {folder.path}")
    return results


def replay(config: FitConfig, words: list[str]) -> int:
    """Train a stored trial again and say whether every metric came out the same."""
    stored = _stored_trial(folder_named(config.search.runs), config.replay)
    original = stored.read()
    check_unchanged(stored, original.record)
    # A trial that failed did so in the epoch after the last that is stored.
    epochs = len(original.epochs) + (original.outcome.status == "failed")
    results = train(config, as_it_was(original), epochs, words)
    differing = [
        f"epoch {old.epoch}: {old.score_name} {old.score} was stored, {new.score} came out"
        for old, new in zip(original.epochs, results.epochs, strict=False)
        if old.metrics != new.metrics
    ]
    if not differing:
        print(f"{config.replay}: all {len(results.epochs)} epochs gave the same metrics again")
        return 0
    print(f"{config.replay} gave other metrics:", *differing, sep="\n  ")
    print(f"trained on {original.record.machine}\nnow on     {results.record.machine}")
    return 1


def as_it_was(original: TrialResults) -> TrialConfig:
    """Return a trial's settings with the machine's own choices (threads, precision) pinned."""
    machine = original.record.machine
    pinned = {
        "machine.threads": machine.threads,
        "machine.device": machine.device,
        "machine.precision": machine.precision,
    }
    return original.record.config.with_values(pinned)


def _stored_trial(runs: Location, name: str) -> TrialFolder:
    experiment, slash, trial = name.rstrip("/").rpartition("/")
    if not slash:
        raise UserError(f"replay={name}: name a trial as <experiment>/<trial>")
    given = folder_named(experiment)
    folder = given if ExperimentFolder(given).is_there() else runs / experiment
    return open_experiment(folder.parent, folder.name).existing_trial(trial)


def _train_epochs(fit: RecordedFit, at_most: int, folder: TrialFolder) -> None:
    outcome = Outcome(status="stopped", reason="interrupted")
    try:
        while len(fit.epochs) < at_most and not fit.fit.finished:
            fit.step()
            print(_line(folder.read()), flush=True)
        outcome = Outcome(status="completed" if fit.fit.finished else "stopped")
    except (DivergedError, torch.OutOfMemoryError) as error:
        outcome = Outcome(status="failed", reason=str(error))
    finally:
        folder.write_outcome(outcome)
        folder.discard_state()


def _line(results: TrialResults) -> str:
    """Return the last epoch as a line; of folds in turn, which fold and how far it is."""
    epoch, trial = results.epochs[-1], results.record.config
    trained = f"loss {epoch.train_loss:.3f}  {epoch.epoch_seconds:.1f} s"
    if trial.cv.fidelity == "epochs":
        return f"epoch {epoch.epoch}  {_metrics(epoch.metrics)}  {trained}{_members(epoch)}"
    fold, number = divmod(epoch.epoch - 1, trial.train.epochs)
    if not fold:
        return f"fold 1  epoch {number + 1}  {_metrics(epoch.metrics)}  {trained}{_members(epoch)}"
    length = results.best_length
    if epoch.folds <= fold:
        return f"fold {fold + 1}  epoch {number + 1} of {length}  {trained}"
    scored = f"over {epoch.folds} folds  {_metrics(epoch.metrics)}"
    return f"fold {fold + 1}  epoch {length} of {length}  {trained}  {scored}{_members(epoch)}"


def _best_line(results: TrialResults) -> str:
    best = results.best
    assert best
    folds = f"over {best.folds} folds  " if results.record.config.cv.fidelity == "folds" else ""
    return f"epoch {results.best_length}  {folds}{_metrics(best.metrics)}{_members(best)}"


def _members(epoch: EpochRecord) -> str:
    return "".join(f"\n  {name:12}  {_metrics(own)}" for name, own in epoch.members.items())


def _metrics(metrics: Mapping[str, float]) -> str:
    shown = (SCORE, "accuracy", "mask_f1", "gender_f1", "age_f1")
    return "  ".join(f"{name} {metrics[name]:.4f}" for name in shown if name in metrics)


if __name__ == "__main__":
    run_command(SCHEMA, main)
