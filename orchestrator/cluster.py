"""On which machines do trials run, and how much of them does each trial take?"""

import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ray

from orchestrator.config import ClusterSection
from trainable.config import UserError

OBJECT_STORE_BYTES = 256 * 1024**2
"""Trials pass only numbers through Ray; images are shared by memory mapping."""

WORKER_ENVIRONMENT = {
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}
DRIVER_ENVIRONMENT = {
    **WORKER_ENVIRONMENT,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Our own callback records; Ray's loggers would write the same once more, as pickles too.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}


@dataclass(frozen=True)
class Slots:
    """CPU cores and GPUs of each trial, and how many trials fit at once."""

    cpus: float
    gpus: float
    count: int


def start_ray(config: ClusterSection) -> None:
    """Start Ray on this machine, or join the cluster at ``cluster.address``."""
    for name, value in DRIVER_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    packages = str(Path(__file__).resolve().parent.parent)
    runtime = {"env_vars": {**WORKER_ENVIRONMENT, "PYTHONPATH": packages}}
    init = partial(ray.init, log_to_driver=False, logging_level=logging.ERROR, runtime_env=runtime)
    if not config.address:
        init(address="local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES)
        return
    try:
        init(address=config.address)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"cluster.address={config.address}: cannot join that Ray cluster ({error}). Is it "
            "running (ray status), and has this machine its token (~/.ray/auth_token)?"
        ) from None


def share_out(config: ClusterSection, trials: int, resources: Mapping[str, float]) -> Slots:
    """Divide a cluster's ``resources`` (CPU, GPU) among trials; what is given counts as given.

    With GPUs a trial takes one, and an even share of the cores; without, one core each, or more
    where there are fewer trials than cores. UserError where not even one trial fits.
    """
    cpus, gpus = resources.get("CPU", 0), resources.get("GPU", 0)
    per_trial_gpus = config.gpus_per_trial
    if per_trial_gpus is None:
        per_trial_gpus = 1.0 if gpus else 0.0
    most = gpus_slots(gpus, per_trial_gpus) if per_trial_gpus else math.floor(cpus)
    wanted = max(1, min(most, trials, config.max_concurrent or trials))
    per_trial_cpus = config.cpus_per_trial or max(1.0, math.floor(cpus / wanted))
    fitting = min(math.floor(cpus / per_trial_cpus), most)
    if fitting < 1:
        raise UserError(
            f"no trial fits: it would take {per_trial_cpus:g} CPU and {per_trial_gpus:g} GPU, the "
            f"cluster has {cpus:g} CPU and {gpus:g} GPU; lower cluster.cpus_per_trial or "
            "cluster.gpus_per_trial"
        )
    return Slots(per_trial_cpus, per_trial_gpus, min(wanted, fitting))


def gpus_slots(gpus: float, per_trial: float) -> int:
    """Return how many trials fit on GPUs; a share of one never spans two."""
    if per_trial >= 1:
        return math.floor(gpus / per_trial)
    return math.floor(gpus) * math.floor(1 / per_trial)
