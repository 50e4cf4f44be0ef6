"""How many trials share a GPU? As many as fit into its memory, by what the largest takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.memory import MemoryKept, largest
from orchestrator.nodes import Node, alive_nodes
from orchestrator.plan import Plan
from orchestrator.slots import gpu_share
from trainable.device import gpu_found
from trainable.probe import probe

MARGIN = 0.15
"""Share of a GPU's memory that is left alone: a trial may take more than its first batches."""
ANSWER_SECONDS, PROBE_SECONDS = 120.0, 900.0
"""How long machines may take to say what they have, and one to try a trial."""
LITTLE = 0.01
"""Of a GPU: who asks for none does not see it."""
GIGABYTE = 1e9


class _UnknownMemoryError(Exception):
    """It cannot be known how many trials fit on a GPU; the message says why."""


@dataclass(frozen=True)
class Gpu:
    """The smallest GPU of a machine: Ray's name for that, the GPU's type and its bytes."""

    node: str
    name: str
    memory: int


def shared_gpus(plan: Plan) -> float:
    """Return what each trial takes of a GPU where ``cluster.gpus_per_trial`` does not say it.

    That is a whole one where they are large, few or have few cores to feed them, and where it
    cannot be known. What was chosen is printed.
    """
    cluster, trials = plan.config.cluster, plan.config.search.trials
    alive = alive_nodes().values()
    with_gpus = [node for node in alive if node.resources.get("GPU", 0) >= 1]
    if cluster.gpus_per_trial == 0 or not with_gpus:
        return 0.0
    if len(with_gpus) < len(alive):
        print(f"{len(alive) - len(with_gpus)} machine(s) without a GPU will not be used")
    if cluster.gpus_per_trial is not None:
        return cluster.gpus_per_trial
    try:
        gpu, taken = _measured(plan, with_gpus)
    except _UnknownMemoryError as reason:
        print(f"each trial takes a whole GPU: what it needs could not be measured ({reason})")
        return 1.0
    fitting = max(1, int(gpu.memory * (1 - MARGIN) / taken))
    share = gpu_share(cluster, trials, [node.resources for node in with_gpus], fitting)
    print(
        f"{int(1 / share)} trial(s) at once on each GPU: the largest takes {taken / GIGABYTE:.1f} "
        f"of {gpu.memory / GIGABYTE:.1f} GB ({gpu.name}), so {fitting} would fit"
    )
    return share


def _measured(plan: Plan, nodes: Sequence[Node]) -> tuple[Gpu, int]:
    """Return the smallest GPU, and the bytes that the largest trial takes of it."""
    gpu = min(_gpus(nodes), key=lambda one: one.memory)
    config, kept = largest(plan), MemoryKept()
    known = kept.bytes_of(config, gpu.name)
    if known is None:
        trying = _on(gpu.node, probe, gpus=1).remote(config.with_values({"machine.loaders": 0}))
        (tried,) = _answers([trying], PROBE_SECONDS)
        known = tried.memory_bytes
        kept.keep(config, gpu.name, known)
    return gpu, known


def _gpus(nodes: Sequence[Node]) -> list[Gpu]:
    asked = [_on(node.id, gpu_found).remote(int(node.resources["GPU"])) for node in nodes]
    found = _answers(asked, ANSWER_SECONDS)
    return [Gpu(node.id, *own) for node, own in zip(nodes, found, strict=True)]


def _on(node: str, function: Callable[..., Any], gpus: float = LITTLE) -> Any:
    """Return a task of Ray that calls ``function`` in a new process on a node."""
    where = NodeAffinitySchedulingStrategy(node, soft=False)
    task = ray.remote(num_cpus=0, num_gpus=gpus, max_calls=1)(function)
    return task.options(scheduling_strategy=where)


def _answers(asked: Sequence[Any], seconds: float) -> list[Any]:
    try:
        return ray.get(list(asked), timeout=seconds)
    except ray.exceptions.GetTimeoutError:
        for one in asked:
            ray.cancel(one, force=True)
        raise _UnknownMemoryError(f"no answer within {seconds:g} s") from None
    except ray.exceptions.RayTaskError as error:
        cause = f"{type(error.cause).__name__}: {error.cause}"
        raise _UnknownMemoryError(cause.splitlines()[0]) from None
    except ray.exceptions.RayError as error:
        raise _UnknownMemoryError(str(error).splitlines()[0]) from None
