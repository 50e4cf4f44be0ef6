"""On which machines do trials run? On this one, or on a Ray cluster that is joined."""

import logging
import socket
from functools import partial
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from orchestrator.config import ClusterSection
from orchestrator.ray_settings import WORKER_ENVIRONMENT, has_token
from trainable.command_line import tell
from trainable.settings import UserError

OBJECT_STORE_BYTES = 256 * 1024**2
"""Trials pass only numbers through Ray; images are shared by memory mapping."""

KNOCK_SECONDS = 10
LOOPBACK = "127.0.0.1"
WORKER_PACKAGES = ("trainable", "orchestrator", "search_spaces")
"""What a worker imports of this project."""

NOTHING_ELSE = ("/[!.]*", "/.?*")
"""What leaves everything in a folder out, but not the folder, which Ray calls ``.``."""


def start_ray(config: ClusterSection, cores: int | None = None) -> None:
    """Start Ray on this machine, or join the cluster at ``cluster.address``.

    ``cores`` says how many this machine has, where it should not be asked. Expects the environment
    of ``ray_settings.set_environment``.
    """
    init = partial(ray.init, log_to_driver=False, logging_level=logging.ERROR)
    if not config.address:
        init(
            address="local",
            num_cpus=cores,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            runtime_env=worker_environment(),
            _node_ip_address=LOOPBACK,
        )
        return
    if not has_token():
        tell(
            [
                f"cluster.address={config.address} is joined without a token: whoever reaches "
                "that cluster can run programs on it (README.md, More than one machine)"
            ]
        )
    try:
        _knock(config.address)
        init(address=config.address, runtime_env=worker_environment())
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise UserError(
            f"cluster.address={config.address}: cannot join that Ray cluster ({error}). Is it "
            f"running (RAY_AUTH_MODE=token ray status --address={config.address}), and has this "
            "machine its token (~/.ray/auth_token)?"
        ) from None


def worker_environment() -> dict[str, Any]:
    """Return Ray's runtime environment of workers, here too: our packages are sent to them.

    They come before what is installed there, so that no worker trains with other code than this,
    and who edits it while a search runs changes the next one. Without a working directory Ray would
    let workers import first from the folder that the driver was started in, where there is one.
    """
    sent = [f"!/{name}{below}" for name in WORKER_PACKAGES for below in ("", "/**")]
    return {
        "env_vars": WORKER_ENVIRONMENT,
        "working_dir": str(_packages()),
        "excludes": [*NOTHING_ELSE, *sent, "__pycache__"],
    }


def _packages() -> Path:
    return Path(__file__).resolve().parent.parent


def _knock(address: str) -> None:
    """Raise OSError where nothing listens at host:port; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "//" not in address:
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()
