"""How do these tests have machines with a network between them? As network namespaces.

Nothing is sent to anywhere else: the namespaces have no way out.
"""

import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

HEAD = "10.77.0.1"


@dataclass(frozen=True)
class Place:
    """A namespace: its name, its address, and the end of its cable at the head's side."""

    name: str
    address: str
    cable: str = ""

    @property
    def inside(self) -> Sequence[str]:
        """What comes before a command that is run there."""
        return ["ip", "netns", "exec", self.name]


@dataclass(frozen=True)
class Network:
    """The head's namespace, and those of machines that are wired to it."""

    head: Place
    machines: Sequence[Place]

    def cut(self, machine: Place) -> None:
        """Let nothing reach the machine, nor come from it."""
        ip("-n", self.head.name, "link", "set", machine.cable, "down")

    def mend(self, machine: Place) -> None:
        ip("-n", self.head.name, "link", "set", machine.cable, "up")


@contextmanager
def wired(count: int) -> Generator[Network]:
    """Give a network of a head and so many machines; skip where none can be made."""
    own = f"faces-{os.getpid()}"
    head = Place(f"{own}-head", HEAD)
    machines = [Place(f"{own}-{i}", f"10.77.0.{i + 2}", f"to-{i}") for i in range(count)]
    made = []
    try:
        for place in [head, *machines]:
            add_namespace(place.name)
            made.append(place.name)
        ip("-n", head.name, "link", "add", "bridge", "type", "bridge")
        ip("-n", head.name, "addr", "add", f"{HEAD}/24", "dev", "bridge")
        ip("-n", head.name, "link", "set", "bridge", "up")
        for machine in machines:
            wire(head, machine)
        yield Network(head, machines)
    finally:
        for name in made:
            ip("netns", "del", name)


def add_namespace(name: str) -> None:
    try:
        ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespace can be made here: {error}")
    ip("-n", name, "link", "set", "lo", "up")


def wire(head: Place, machine: Place) -> None:
    """Lay a cable from the head's bridge to a machine."""
    there = ["peer", "name", "cable", "netns", machine.name]
    ip("-n", head.name, "link", "add", machine.cable, "type", "veth", *there)
    ip("-n", head.name, "link", "set", machine.cable, "master", "bridge")
    ip("-n", head.name, "link", "set", machine.cable, "up")
    ip("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", "cable")
    ip("-n", machine.name, "link", "set", "cable", "up")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
