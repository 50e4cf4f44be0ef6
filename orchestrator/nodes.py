"""Which machines of the cluster can be used now? They come and go while a search runs."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray._private.state import state as global_state

from orchestrator.journal import NodeChange

SECONDS_BETWEEN_LOOKS = 1.0
UNFIT_SECONDS = 60.0
"""When a node that could not train is tried again, and twice as long after each time."""
NODE_ID_LABEL = "ray.io/node-id"
"""Ray gives every node this label."""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster; ``resources`` are its CPU cores and GPUs."""

    id: str
    address: str
    resources: Mapping[str, float]

    @property
    def name(self) -> str:
        """What it is called in messages: several nodes may share an address."""
        return f"{self.address} ({self.id[:6]})"


@dataclass(frozen=True)
class _Unfit:
    reason: str
    seconds: float
    until: float


Tell = Callable[[Node, NodeChange, str], None]
"""Is told of a node what changed, and why."""


class Nodes:
    """The nodes of the cluster as they were seen last; ``tell`` is told of every change."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._alive = alive_nodes()
        self._leaving: dict[str, str] = {}
        self._unfit: dict[str, _Unfit] = {}
        self._looked_at = clock()

    @property
    def usable(self) -> Sequence[Mapping[str, float]]:
        """Resources of the nodes that trials may be started on."""
        avoided = self.avoided
        return [node.resources for node in self._alive.values() if node.id not in avoided]

    @property
    def avoided(self) -> frozenset[str]:
        """Nodes that nothing new is started on, though they are there."""
        unfit = {node for node, found in self._unfit.items() if self._clock() < found.until}
        return frozenset(self._alive) & (unfit | self._leaving.keys())

    @property
    def any_leaves(self) -> bool:
        """Whether a node was told to end: another one may come in its place."""
        return any(node in self._alive for node in self._leaving)

    @property
    def problems(self) -> Sequence[str]:
        """Why nodes that are there cannot be used."""
        return [f"{self._alive[one].name}: {self._why(one)}" for one in sorted(self.avoided)]

    def why_leaving(self, node: str) -> str:
        """Return why a trial should leave a node at its next chance; empty where it need not."""
        return self._leaving.get(node, "")

    def refuse(self, node: str, reason: str) -> None:
        """Start nothing on a node for a while: it cannot do what the others can."""
        if node in self._alive and node not in self.avoided:
            seconds = 2 * self._unfit[node].seconds if node in self._unfit else UNFIT_SECONDS
            self._unfit[node] = _Unfit(reason, seconds, self._clock() + seconds)
            self._tell(self._alive[node], "unfit", reason)

    def look(self) -> bool:
        """See who came and who went, once a second at most; say whether it was looked now."""
        now = self._clock()
        if now - self._looked_at < SECONDS_BETWEEN_LOOKS:
            return False
        self._looked_at = now
        before, self._alive = self._alive, alive_nodes()
        for node in self._alive.keys() - before.keys():
            self._tell(self._alive[node], "joined", "")
        for node in before.keys() - self._alive.keys():
            self._tell(before[node], "lost", self._leaving.pop(node, ""))
        for node, seconds in leaving_nodes().items():
            if node in self._alive and node not in self._leaving:
                self._leaving[node] = _notice(seconds)
                self._tell(self._alive[node], "leaving", self._leaving[node])
        return True

    def _why(self, node: str) -> str:
        return self._leaving.get(node) or self._unfit[node].reason


def alive_nodes() -> dict[str, Node]:
    """Return the nodes that are there, by Ray's names for them."""
    return {
        node["NodeID"]: Node(node["NodeID"], node["NodeManagerAddress"], node["Resources"])
        for node in ray.nodes()
        if node["Alive"]
    }


def resources_there(avoid: Collection[str] = ()) -> list[Mapping[str, float]]:
    """Return the resources (CPU, GPU) of each node that is there, but for those to ``avoid``."""
    return [node.resources for node in alive_nodes().values() if node.id not in avoid]


def none_of(nodes: Collection[str]) -> dict[str, str]:
    """Return what selects, for Ray, any node but these."""
    return {NODE_ID_LABEL: f"!in({','.join(sorted(nodes))})"} if nodes else {}


def leaving_nodes() -> dict[str, float]:
    """Return the nodes that were told to end, and in how many seconds; infinite: nobody said."""
    # Ray's own libraries ask it in this way; there is no public one.
    deadlines = global_state.get_draining_nodes()
    now = time.time()
    return {
        node: milliseconds / 1000 - now if milliseconds else float("inf")
        for node, milliseconds in deadlines.items()
    }


def node_of(actor: Any) -> str:
    """Return Ray's name of the node that an actor runs on."""
    known: Any = global_state.actor_table(actor._actor_id.hex())  # as in leaving_nodes
    return known["Address"]["NodeID"]


def _notice(seconds: float) -> str:
    when = "" if seconds == float("inf") else f" in {max(0.0, seconds):.0f} s"
    return f"it was told to end{when}"
