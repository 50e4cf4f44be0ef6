"""What happens on the driver when a trial starts, finishes an epoch or ends?

Ray calls; the store, TensorBoard and the live table are told. What was reported before a restart
is read back from the store, so nothing of this object has to be pickled but its plan.
"""

import shutil
import time
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from orchestrator.deadline import Deadline
from orchestrator.live import LiveTable
from orchestrator.plan import Plan
from orchestrator.progress import SearchGoal, SearchProgress
from orchestrator.tensorboard import TensorBoardLog
from trainable.ray_trial import BASE, EPOCH, EXPERIMENT, FAILURE
from trainable.records import EpochRecord, Outcome, Status
from trainable.settings import Value
from trainable.store import RUNNING, ExperimentFolder


class SearchWatch(tune.Callback):
    """Records, logs and shows a search as Ray reports it."""

    def __init__(self, plan: Plan, folder: ExperimentFolder, deadline: Deadline) -> None:
        self._plan = plan
        self._folder = folder
        self._deadline = deadline

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ("_plan", "_folder", "_deadline")}

    def setup(
        self,
        stop: Any = None,
        num_samples: int | None = None,
        total_num_samples: int | None = None,
        **info: Any,
    ) -> None:
        """Open the log and the table, with all that earlier drivers recorded."""
        self._log = TensorBoardLog(self._folder.tensorboard, self._plan.space, self._plan.base)
        self.progress = stored_progress(self._plan, self._folder, self._deadline)
        self._live = LiveTable()
        self._live.__enter__()

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Show a trial that starts or goes on."""
        name, values = str(trial), own_values(trial)
        earlier = self._folder.trial(name).read_epochs()
        if self._folder.trial(name).read_outcome().status == "failed":  # an earlier attempt
            self._folder.trial(name).write_outcome(RUNNING)
        self._log.trial_started(name, values, earlier)
        self._show(self.progress.trial_started(name, values, earlier))

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Log an epoch."""
        if result[EPOCH] is None:
            return
        epoch = EpochRecord.model_validate(result[EPOCH])
        self._log.epoch_finished(str(trial), epoch)
        self._show(self.progress.epoch_finished(str(trial), epoch))

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Keep how the trial ended: by itself, by the scheduler, or with a lost loss."""
        last = trial.last_result or {}
        failure = last.get(FAILURE, "")
        trained = self.progress.trials[str(trial)]
        status: Status = "completed" if trained.epoch >= trained.epochs else "stopped"
        self._end(trial, Outcome(status="failed" if failure else status, reason=failure))
        delete_checkpoints(self._folder, str(trial))

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Keep why the trial failed for good, and its checkpoint: a resumed search tries again."""
        kept = self._folder.trial(str(trial)).read_outcome()
        died = Outcome(status="failed", reason="its process ended without a word (killed?)")
        self._end(trial, kept if kept.status == "failed" else died)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Keep the table's clock going where there is no terminal."""
        self._live.update(self.progress)

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Close the table."""
        self._live.__exit__(None, None, None)

    def _end(self, trial: Trial, outcome: Outcome) -> None:
        name = str(trial)
        if name not in self.progress.trials:  # it died before it started
            self._show(self.progress.trial_started(name, own_values(trial)))
        folder = self._folder.trial(name)
        folder.write_outcome(outcome)
        self._log.trial_finished(name, outcome.status)
        self._show(self.progress.trial_ended(name, outcome.status, outcome.reason))
        keep_best_weights(self._folder, self.progress, self._plan.config.search.keep)

    def _show(self, progress: SearchProgress) -> None:
        self.progress = progress
        self._live.update(progress)


def own_values(trial: Trial) -> dict[str, Value]:
    """Return what the search chose for a trial."""
    return {path: value for path, value in trial.config.items() if path not in (BASE, EXPERIMENT)}


def trial_name(trial: Trial) -> str:
    """Return a trial's name: its number in the order of starting."""
    number = int((trial.experiment_tag or "0").split("_")[0])
    return f"trial-{number:03d}"


def stored_progress(plan: Plan, folder: ExperimentFolder, deadline: Deadline) -> SearchProgress:
    """Return the progress that the store holds; trials that have not ended are paused."""
    asked = SearchGoal(
        experiment=folder.name,
        trials=plan.config.search.trials,
        epochs=plan.base.train.epochs,
        started=time.time(),
        deadline=deadline.end,
    )
    progress = SearchProgress(asked)
    for trial in folder.trials():
        results, name = trial.read(), trial.name
        progress = progress.trial_started(name, results.record.values, results.epochs)
        status, reason = results.outcome.status, results.outcome.reason
        is_over = status != "running"
        progress = (
            progress.trial_ended(name, status, reason) if is_over else progress.trial_paused(name)
        )
    return progress


def keep_best_weights(folder: ExperimentFolder, progress: SearchProgress, keep: int) -> None:
    """Delete the weights of the trials that have ended, but for the ``keep`` best of them.

    Only the ended count: the weights of a trial that runs may be better than the driver knows,
    and a trial that will yet fail must not displace one that has not.
    """
    failed = [trial for trial in progress.trials.values() if trial.status == "failed"]
    for trial in [*failed, *progress.ended_well[keep:]]:
        folder.trial(trial.trial).weights_file.unlink(missing_ok=True)


def delete_checkpoints(folder: ExperimentFolder, trial: str) -> None:
    """Delete what only a trial that goes on would need."""
    for checkpoint in folder.trial(trial).path.glob("checkpoint_*"):
        shutil.rmtree(checkpoint, ignore_errors=True)
