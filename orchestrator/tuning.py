"""How does Ray Tune run a plan?"""

import os
from dataclasses import replace
from typing import Any

import ray
from ray import tune

from orchestrator.cluster import Slots, nodes, share_out, start_ray
from orchestrator.deadline import Deadline
from orchestrator.finish import PREDICTED, best_trials, how_to_resume, predict_all, summary
from orchestrator.plan import Plan
from orchestrator.schedulers import make_scheduler, make_searcher
from orchestrator.watch import (
    SearchWatch,
    delete_checkpoints,
    keep_best_weights,
    stored_progress,
    trial_name,
)
from trainable.command_line import INTERRUPTED
from trainable.config import TrialConfig
from trainable.device import spare_cores
from trainable.ray_trial import BASE, EXPERIMENT, RayTrial
from trainable.records import Outcome
from trainable.settings import UserError
from trainable.store import ExperimentFolder

FAILURES_FORGIVEN = 2
"""Times a trial is started again from its checkpoint when its process dies."""


def tune_and_predict(plan: Plan, folder: ExperimentFolder, *, is_resumed: bool) -> int:
    """Run the trials, then the eval predictions; return 1 where no trial finished an epoch."""
    start_ray(plan.config.cluster)
    deadline = Deadline(plan.config.search.budget, plan.config.search.finish_by)
    try:
        slots = share_out(plan.config.cluster, plan.config.search.trials, nodes())
        plan = replace(plan, base=suited(plan.base, slots))
        # Ray would start one actor after the other, and each takes seconds to import torch.
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots.count)
        folder.become_latest()
        deadline.start()
        tuner = _restored(folder, slots) if is_resumed else _tuner(plan, folder, slots, deadline)
        tuner.fit()
        if deadline.passed():
            end_open_trials(folder)
        progress = stored_progress(plan, folder, deadline)
        if progress.counts["paused"] or (progress.counts["waiting"] and not deadline.passed()):
            print(f"\n{how_to_resume(progress, folder, plan.command)}")
            return INTERRUPTED
        keep_best_weights(folder, progress, plan.config.search.keep)
        best = best_trials(progress, folder, PREDICTED)
        predicted = predict_all(folder, best, slots, is_joined=bool(plan.config.cluster.address))
        print(summary(progress, folder, len(predicted)))
        return 0 if best else 1
    finally:
        ray.shutdown()


def suited(base: TrialConfig, slots: Slots) -> TrialConfig:
    """Return the trials' base as the slots allow: on which device, with how many loaders.

    Ray does not hide GPUs from trials that asked for none, so these are told to use the CPU.
    """
    if slots.gpus == 0:
        if base.machine.device == "cuda":
            raise UserError("machine.device=cuda, but the trials have no GPU: use cpu or auto")
        return base.with_values({"machine.device": "cpu"})
    if base.machine.loaders is not None:
        return base
    networks = base.cv.folds * len(base.member_configs())
    return base.with_values({"machine.loaders": spare_cores(int(slots.cpus), networks)})


def end_open_trials(folder: ExperimentFolder) -> None:
    """End the trials that Ray stopped at the deadline: it tells no callback of them."""
    for trial in folder.trials():
        if trial.read_outcome().status == "running":
            trial.write_outcome(Outcome(status="stopped", reason="the search's time was over"))
            delete_checkpoints(folder, trial.name)


def _tuner(plan: Plan, folder: ExperimentFolder, slots: Slots, deadline: Deadline) -> tune.Tuner:
    shared = {BASE: plan.base.model_dump(mode="json"), EXPERIMENT: str(folder.path.resolve())}
    return tune.Tuner(
        _trainable(slots),
        param_space=shared,
        tune_config=tune.TuneConfig(
            search_alg=make_searcher(plan),
            scheduler=make_scheduler(plan.config.scheduler, plan.base.train.epochs),
            num_samples=plan.config.search.trials,
            max_concurrent_trials=slots.count,
            reuse_actors=True,
            trial_name_creator=trial_name,
            trial_dirname_creator=trial_name,
        ),
        run_config=tune.RunConfig(
            name=folder.name,
            storage_path=str(folder.path.parent.resolve()),
            callbacks=[SearchWatch(plan, folder, deadline)],
            stop=AtDeadline(deadline),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1, checkpoint_frequency=1),
            failure_config=tune.FailureConfig(max_failures=FAILURES_FORGIVEN),
            verbose=0,
        ),
    )


def _restored(folder: ExperimentFolder, slots: Slots) -> tune.Tuner:
    return tune.Tuner.restore(str(folder.path.resolve()), _trainable(slots), resume_errored=True)


def _trainable(slots: Slots) -> Any:
    return tune.with_resources(RayTrial, {"cpu": slots.cpus, "gpu": slots.gpus})


class AtDeadline(tune.Stopper):
    """Ends all trials when the time is over."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Let each trial go on by itself."""
        return False

    def stop_all(self) -> bool:
        """Say whether the time is over."""
        return self._deadline.passed()
