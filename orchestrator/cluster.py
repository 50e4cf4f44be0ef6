"""On which machines do trials run, and how much of them does each trial take?"""

import logging
import math
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ray
import ray.exceptions

from orchestrator.config import ClusterSection
from trainable.settings import UserError

OBJECT_STORE_BYTES = 256 * 1024**2
"""Trials pass only numbers through Ray; images are shared by memory mapping."""

KNOCK_SECONDS = 10

WORKER_ENVIRONMENT = {
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # Threads that wait sleep: spinning ones take the cores that other processes need.
    "OMP_WAIT_POLICY": "PASSIVE",
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
        _knock(config.address)
        init(address=config.address)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise UserError(
            f"cluster.address={config.address}: cannot join that Ray cluster ({error}). Is it "
            "running (ray status), and has this machine its token (~/.ray/auth_token)?"
        ) from None


def _knock(address: str) -> None:
    """Raise OSError where nothing listens at host:port; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "//" not in address:
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()


def nodes() -> list[Mapping[str, float]]:
    """Return the resources (CPU, GPU) of each node of the cluster."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def share_out(config: ClusterSection, trials: int, nodes: Sequence[Mapping[str, float]]) -> Slots:
    """Divide the resources (CPU, GPU) of ``nodes`` among trials; what is given counts as given.

    With GPUs a trial takes one, and as many cores as leave every GPU a trial; without, one core,
    or more where there are fewer trials than cores. A trial never spans two nodes. UserError
    where not even one trial fits.
    """
    gpus = config.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if any(node.get("GPU", 0) for node in nodes) else 0.0
    at_least = config.cpus_per_trial or 1.0
    wanted = min(trials, config.max_concurrent or trials, slots_on(nodes, at_least, gpus))
    if wanted < 1:
        raise UserError(
            f"no trial fits: it would take {at_least:g} CPU and {gpus:g} GPU, the cluster's "
            f"machines have {[(n.get('CPU', 0), n.get('GPU', 0)) for n in nodes]} (CPU, GPU); "
            "lower cluster.cpus_per_trial or cluster.gpus_per_trial"
        )
    if config.cpus_per_trial:
        return Slots(config.cpus_per_trial, gpus, wanted)
    most = math.floor(max(node.get("CPU", 0) for node in nodes))
    enough = (n for n in range(most, 0, -1) if slots_on(nodes, n, gpus) >= wanted)
    return Slots(float(next(enough)), gpus, wanted)


def slots_on(nodes: Sequence[Mapping[str, float]], cpus: float, gpus: float) -> int:
    """Return how many trials of that size fit on all nodes together."""
    return sum(_slots_on_node(node, cpus, gpus) for node in nodes)


def _slots_on_node(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    by_cpu = math.floor(node.get("CPU", 0) / cpus)
    if not gpus:
        return by_cpu
    available = node.get("GPU", 0)
    if gpus >= 1:
        return min(by_cpu, math.floor(available / gpus))
    return min(by_cpu, math.floor(available) * math.floor(1 / gpus))  # a share never spans two
