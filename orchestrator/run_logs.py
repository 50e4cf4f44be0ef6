"""How do W&B and MLflow learn of a search? By Ray's own callbacks, which see one run a trial.

Ray Tune would show them a run for each leg of a trial, and W&B would keep two processes for each
that is paused. So a trial is told to them when it has ended, from what is stored of it, all its
epochs at once; a trial that goes on and ends again takes the place of what was told before.

    <experiment>/wandb/      a folder for each run, for `wandb sync`
    <experiment>/mlflow.db   runs with parameters and metrics, for `mlflow ui`
"""

import logging
import os
import shutil
from collections.abc import Sequence
from typing import Any, Protocol, cast

from ray.tune.experiment import Trial
from ray.tune.logger import LoggerCallback

from orchestrator.beside import Beside
from orchestrator.hparams import best_so_far
from orchestrator.log_words import LogSection
from orchestrator.tensorboard import curves
from trainable.records import TrialResults, best_epoch
from trainable.settings import Value
from trainable.storage_errors import StorageError
from trainable.store import ExperimentFolder

PROJECT = "face-orchestrator"
EMPTY = 1000
"""Bytes that a file of W&B without an epoch does not exceed."""
ATTEMPTS = 2
"""W&B's process was seen to end, on a busy machine, before it had written anything."""
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_ERROR_REPORTING": "false"}
"""What keeps the libraries from reporting to their makers; set where nobody has set it."""


class LoggedTrial:
    """A trial as Ray's callbacks look at one: what they read of Ray's own trials."""

    def __init__(self, folder: ExperimentFolder, results: TrialResults) -> None:
        self.name = results.record.trial
        self.trial_id = f"{folder.name}-{self.name}"
        self.config: dict[str, Value] = dict(results.record.values)
        self.local_path = str(folder.path.resolve())
        self.experiment_dir_name = folder.name

    def __str__(self) -> str:
        return self.name


class Runs(Protocol):
    """Where the runs of one library are: its callback, and which of them are there."""

    @property
    def callback(self) -> LoggerCallback:
        """What is told of trials."""
        ...

    def has(self, trial: LoggedTrial) -> bool:
        """Say whether the trial has a run."""
        ...

    def forget(self, trial: LoggedTrial) -> None:
        """Delete the trial's run."""
        ...


class WandbRuns:
    """W&B's runs; offline where WANDB_MODE does not say otherwise, so that no key is asked."""

    def __init__(self, folder: ExperimentFolder) -> None:
        from ray.air.integrations.wandb import WandbLoggerCallback

        self._folder = folder.path.resolve() / "wandb"
        mode = os.environ.setdefault("WANDB_MODE", "offline")
        self.callback = WandbLoggerCallback(
            project=PROJECT,
            group=folder.name,
            mode=mode,
            dir=str(folder.path.resolve()),
            settings={"silent": True, "console": "off"},
        )

    def has(self, trial: LoggedTrial) -> bool:
        """Say whether the trial has a run."""
        files = self._folder.glob(f"*run-*-{trial.trial_id}/*.wandb")
        return any(file.stat().st_size > EMPTY for file in files)

    def forget(self, trial: LoggedTrial) -> None:
        """Delete the trial's run; one that was sent to a server stays there."""
        for run in self._folder.glob(f"*run-*-{trial.trial_id}"):
            shutil.rmtree(str(run))


class MlflowRuns:
    """MLflow's runs, in a database file."""

    def __init__(self, folder: ExperimentFolder) -> None:
        from mlflow import MlflowClient
        from ray.air.integrations.mlflow import MLflowLoggerCallback

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        address = f"sqlite:///{folder.path.resolve() / 'mlflow.db'}"
        self._experiment = folder.name
        self._client = MlflowClient(address)
        self.callback = MLflowLoggerCallback(tracking_uri=address, experiment_name=folder.name)

    def has(self, trial: LoggedTrial) -> bool:
        """Say whether the trial has a run that is over."""
        return any(run.info.status != "RUNNING" for run in self._found(trial))

    def forget(self, trial: LoggedTrial) -> None:
        """Delete the trial's run."""
        for run in self._found(trial):
            self._client.delete_run(run.info.run_id)

    def _found(self, trial: LoggedTrial) -> list[Any]:
        experiment = self._client.get_experiment_by_name(self._experiment)
        assert experiment  # the callback has made it
        named = f"tags.trial_name = '{trial.name}'"
        return list(self._client.search_runs([experiment.experiment_id], named))


class RunLog:
    """Tells one library of each trial that has ended, beside the search."""

    def __init__(self, folder: ExperimentFolder, runs: Runs, word: str) -> None:
        self._folder = folder
        self._runs = runs
        self._beside = Beside(f"runs of {word}")

    def close(self) -> None:
        """Begin nothing any more."""
        self._beside.close()

    def ended(self, trial: str, best: Sequence[str]) -> None:
        """Log the trial."""
        self._beside.ask(trial, self._log)

    def finish(self, best: Sequence[str], until: float | None = None) -> None:
        """Log what an earlier driver did not live to log."""
        self._beside.wait(until)
        for trial in self._folder.trials():
            self._beside.ask(trial.name, self._log_if_missing)
        self._beside.wait(until)

    def _log_if_missing(self, trial: str) -> None:
        results = self._folder.trial(trial).read()
        is_over = results.outcome.status != "running"
        if is_over and not self._runs.has(LoggedTrial(self._folder, results)):
            self._log(trial)

    def _log(self, trial: str) -> None:
        results = self._folder.trial(trial).read()
        logged = LoggedTrial(self._folder, results)
        for _ in range(ATTEMPTS):
            self._runs.forget(logged)
            tell(self._runs.callback, logged, results)
            if self._runs.has(logged):
                return
        raise StorageError("no run was written")


def tell(callback: LoggerCallback, trial: LoggedTrial, results: TrialResults) -> None:
    """Tell a callback all of a trial: that it started, its epochs, and how it ended."""
    as_rays = cast(Trial, trial)
    callback.log_trial_start(as_rays)
    for number, epoch in enumerate(results.epochs, start=1):
        best = best_epoch(results.epochs[:number])
        assert best
        points = {"training_iteration": epoch.epoch, **curves(epoch), **best_so_far(best)}
        callback.log_trial_result(epoch.epoch, as_rays, points)
    callback.log_trial_end(as_rays, failed=results.outcome.status == "failed")
    callback.on_experiment_end([as_rays])


def run_logs(folder: ExperimentFolder, asked: LogSection) -> list[RunLog]:
    """Return who logs as the words ask."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    runs: dict[str, Runs] = {}
    if asked.wandb:
        runs["log.wandb"] = WandbRuns(folder)
    if asked.mlflow:
        runs["log.mlflow"] = MlflowRuns(folder)
    for kind in runs.values():
        kind.callback.setup()
    return [RunLog(folder, kind, word) for word, kind in runs.items()]
