"""How many trials fit at once, and where, on machines that come and go?"""

from collections.abc import Callable, Mapping
from typing import Any

from ray import tune

from orchestrator.config import ClusterSection
from orchestrator.decisions import Search
from orchestrator.journal import Event, NodeChange, NodeChanged
from orchestrator.nodes import Node, Nodes, none_of
from orchestrator.slots import Slots, slots_on
from orchestrator.states import Leg
from trainable.leg_keys import PLACE
from trainable.settings import UserError

ALONE_FROM = 2
"""Times that a trial ran out of memory before it has a GPU to itself."""
CPUS, GPUS, AVOID = "cpus", "gpus", "avoid"
"""Keys of a leg's place: of what a machine must have so much, and which ones it must not be."""


class Elastic:
    """Gives a search as many slots as there are; ``say`` and ``write`` are told of changes."""

    def __init__(
        self,
        cluster: ClusterSection,
        slots: Slots,
        search: Search,
        *,
        say: Callable[[str], None],
        write: Callable[[Event], None],
    ) -> None:
        self._most = cluster.max_concurrent or None
        self._slots = slots
        self._search = search
        self._say = say
        self._write = write
        self._nodes = Nodes(self._tell)

    def look(self) -> None:
        """See which machines are there; UserError where not one that is there can train."""
        if self._nodes.look():
            self._count()
        if self._nodes.problems and not self._search.slots and not self._nodes.any_leaves:
            raise UserError(f"no machine can train: {'; '.join(self._nodes.problems)}")

    def place_of(self, leg: Leg) -> Mapping[str, Any]:
        """Return what a leg needs of a machine, and which machines it must not be started on."""
        is_alone = leg.relief >= ALONE_FROM and 0 < self._slots.gpus < 1
        gpus = 1.0 if is_alone else self._slots.gpus
        avoid = sorted(self._nodes.avoided)
        return {PLACE: {CPUS: self._slots.cpus, GPUS: gpus, AVOID: avoid}}

    @property
    def avoided(self) -> frozenset[str]:
        """Machines that nothing new is started on, though they are there."""
        return self._nodes.avoided

    def refuse(self, node: str, reason: str) -> None:
        """Start nothing on a machine for a while: it cannot do what the others can."""
        self._nodes.refuse(node, reason)

    def why_leaving(self, node: str) -> str:
        """Return why a trial should leave a machine at its next chance; empty: it need not."""
        return self._nodes.why_leaving(node)

    def _tell(self, node: Node, change: NodeChange, reason: str) -> None:
        self._count()
        self._write(
            NodeChanged(node=node.name, change=change, reason=reason, slots=self._search.slots)
        )
        why = f" ({reason})" if reason else ""
        now = f"{self._search.slots} trials fit at once"
        self._say(f"machine {node.name} {_CHANGES[change]}{why}: {now}")

    def _count(self) -> None:
        fitting = slots_on(self._nodes.usable, self._slots.cpus, self._slots.gpus)
        self._search.slots = min(fitting, self._most or fitting)


def group_of(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
    """Return what Ray reserves for each process of a leg, on one machine if it can be."""
    place = config[PLACE]
    processes = max(1, int(place[GPUS]))
    bundle = {"CPU": place[CPUS] / processes}
    if place[GPUS]:
        bundle["GPU"] = place[GPUS] / processes
    if not place[AVOID]:
        return tune.PlacementGroupFactory([bundle] * processes)
    elsewhere = [none_of(place[AVOID])] * processes
    return tune.PlacementGroupFactory([bundle] * processes, bundle_label_selector=elsewhere)


_CHANGES: Mapping[NodeChange, str] = {
    "joined": "has joined",
    "lost": "is gone",
    "leaving": "is leaving",
    "unfit": "is not used",
}
