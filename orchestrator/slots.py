"""How much of the machines does each trial take, and how many fit at once?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.config import ClusterSection
from trainable.settings import UserError

RAYS_STEPS = 10_000
"""Ray counts a GPU in so many parts."""


@dataclass(frozen=True)
class Slots:
    """CPU cores and GPUs of each trial, of all its processes, and how many trials fit at once."""

    cpus: float
    gpus: float
    count: int

    @property
    def processes(self) -> int:
        """How many processes train a trial: one for each of several GPUs."""
        return max(1, int(self.gpus))


def share_out(
    config: ClusterSection,
    trials: int,
    nodes: Sequence[Mapping[str, float]],
    share: float = 1.0,
) -> Slots:
    """Divide the resources (CPU, GPU) of ``nodes`` among trials; what is given counts as given.

    With GPUs a trial takes ``share`` of one, and as many cores as leave every share a trial;
    without, one core, or more where there are fewer trials than cores. A trial of several GPUs is
    as many processes, which may be on several nodes; no other spans two. UserError where not even
    one trial fits.
    """
    if not any(node.get("CPU", 0) or node.get("GPU", 0) for node in nodes):
        raise UserError(
            "no machine that trains has joined the cluster yet: wait until ray status lists one"
        )
    gpus = config.gpus_per_trial
    if gpus is None:
        gpus = share if any(node.get("GPU", 0) for node in nodes) else 0.0
    processes = max(1, int(gpus))
    at_least = config.cpus_per_trial or float(processes)
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
    each = (n * processes for n in range(most, 0, -1))
    return Slots(float(next(n for n in each if slots_on(nodes, n, gpus) >= wanted)), gpus, wanted)


def gpu_share(
    config: ClusterSection, trials: int, nodes: Sequence[Mapping[str, float]], fitting: int
) -> float:
    """Return the largest share of a GPU with which as many trials run at once as can.

    ``fitting`` of them fit into a GPU's memory; the cores of ``nodes`` and the number of trials may
    allow fewer.
    """
    cpus = config.cpus_per_trial or 1.0
    wanted = min(trials, config.max_concurrent or trials)
    shares = [
        math.floor(RAYS_STEPS / trials_each) / RAYS_STEPS for trials_each in range(1, fitting + 1)
    ]
    return max(shares, key=lambda share: min(wanted, slots_on(nodes, cpus, share)))


def slots_on(nodes: Sequence[Mapping[str, float]], cpus: float, gpus: float) -> int:
    """Return how many trials of that size fit on all nodes together."""
    if gpus > 1:
        return int(slots_on(nodes, cpus / gpus, 1.0) // gpus)
    return sum(_slots_on_node(node, cpus, gpus) for node in nodes)


def _slots_on_node(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    by_cpu = math.floor(node.get("CPU", 0) / cpus)
    if not gpus:
        return by_cpu
    # A share never spans two GPUs.
    return min(by_cpu, math.floor(node.get("GPU", 0)) * math.floor(1 / gpus))
