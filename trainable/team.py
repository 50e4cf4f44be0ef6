"""Which processes train a trial together, each with a GPU of its own and a part of every batch?

All of them make the same batches, train on different parts of them and move their weights by the
mean of their gradients, so that they stay equal. The first one alone predicts, scores and stores.
"""

import os
import socket
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psutil
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

WAITING = timedelta(minutes=30)
"""How long one process waits for the others: the first time they may have images to decode."""
SOCKETS = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
"""Variables that name the network interface that processes talk through."""


@dataclass(frozen=True)
class Seat:
    """Where a process of a team belongs: ``rank`` (from 0) of ``size``, the first is at host:port.

    ``here`` is this machine's own address.
    """

    rank: int
    size: int
    host: str
    port: int
    here: str


def host_team(host: str, size: int) -> dist.TCPStore:
    """Return where ``size`` processes meet; it listens at this machine's address ``host`` alone."""
    with closing(socket.create_server((host, 0))) as listening:
        port, file = listening.getsockname()[1], listening.detach()
    return dist.TCPStore(
        host,
        port,
        size,
        is_master=True,
        timeout=WAITING,
        wait_for_workers=False,
        master_listen_fd=file,
    )


def join_team(seat: Seat, store: dist.TCPStore | None = None) -> None:
    """Train together with the processes of the other seats, when all have come."""
    for name in SOCKETS:
        os.environ[name] = _interface(seat.here)
    store = store or dist.TCPStore(seat.host, seat.port, seat.size, timeout=WAITING)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(
        backend, store=store, rank=seat.rank, world_size=seat.size, timeout=WAITING
    )


def leave_team() -> None:
    """Train alone again."""
    if dist.is_initialized():
        dist.destroy_process_group()


def abort_team() -> None:
    """Let a process that waits for others go on to its error: one of them will not come."""
    if dist.is_initialized() and torch.cuda.is_available() and dist.group.WORLD:
        dist.group.WORLD.abort()


def rank() -> int:
    """Return the number of this process, 0 where it trains alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def first_ones(value: Any) -> Any:
    """Return the first process's ``value`` in each of them."""
    values = [value]
    dist.broadcast_object_list(values, src=0, device=torch.device("cpu"))
    return values[0]


def mean(value: torch.Tensor) -> torch.Tensor:
    """Return the mean over all processes; a process that trains alone has its own."""
    if size() == 1:
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / size()


def learning_together(module: nn.Module, *, some_idle: bool) -> nn.Module:
    """Return the module with gradients that are means over all processes, and equal weights.

    ``some_idle`` says that some weights may have no gradient.
    """
    if size() == 1:
        return module
    return DistributedDataParallel(module, find_unused_parameters=some_idle)


def gathering(module: nn.Module) -> AbstractContextManager[object]:
    """Return the context in which gradients are kept, to be shared with those of the next."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def _interface(address: str) -> str:
    for name, found in psutil.net_if_addrs().items():
        if any(one.address == address for one in found):
            return name
    raise RuntimeError(
        f"no network interface of this machine has {address}, by which Ray knows it: start Ray "
        "there with --node-ip-address="
    )
