"""On which machines do trials run? On this one, or on a Ray cluster that is joined."""

import logging
import os
import socket
from collections.abc import Mapping
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
