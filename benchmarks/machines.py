"""How does one machine stand for several? Each is a raylet of a Ray cluster, on loopback."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import psutil

from trainable.patience import PATIENCE_VARIABLE

RAY = str(Path(sys.executable).with_name("ray"))
HEAD_ADDRESS = "127.0.0.2"
"""Of loopback, but not 127.0.0.1, for which Ray would take an address that others reach."""
OBJECT_STORE = f"--object-store-memory={80 * 1024**2}"
START_SECONDS = 120
SETTINGS = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1", PATIENCE_VARIABLE: "120"}
"""Where Ray was told to keep to 127.0.0.1 it would take no second machine; and who was told to give
up at once what cannot be stored would not see it come back."""


class Machine:
    """A node of the cluster: its raylet, and the workers that it starts.

    ``inside`` is what comes before every command where the machine is a network namespace.
    """

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str] = MappingProxyType({}),
        *,
        inside: Sequence[str] = (),
    ) -> None:
        self.is_leaving = False
        # The path of a Unix socket may have 107 characters: too few for pytest's own folders.
        self._folder = Path(tempfile.mkdtemp(prefix="ray-"))
        self._log = self._folder / "started.log"
        own = [OBJECT_STORE, f"--temp-dir={self._folder}"]
        with self._log.open("wb") as out:
            self.process = subprocess.Popen(
                [*inside, RAY, "start", "--block", *own, *words],
                env={**os.environ, **SETTINGS, **environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while "Ray runtime started" not in (printed := self.printed):
            if self.is_gone or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"no Ray was started: {printed}")
            time.sleep(0.05)

    @property
    def printed(self) -> str:
        """What `ray start` has said."""
        return self._log.read_text()

    @property
    def is_gone(self) -> bool:
        """Whether its raylet has ended."""
        return self.process.poll() is not None

    @property
    def processes(self) -> Sequence[psutil.Process]:
        """All its processes but the one that started them."""
        return psutil.Process(self.process.pid).children(recursive=True)

    @property
    def raylet(self) -> psutil.Process:
        """Ray's own process, whose children the workers are."""
        return next(one for one in self.processes if one.name() == "raylet")

    @property
    def node_id(self) -> str:
        """Ray's name of the machine, as its raylet was given it."""
        words = self.raylet.cmdline()
        return next(word.partition("=")[2] for word in words if word.startswith("--node_id="))

    def runs(self, pid: int) -> bool:
        """Say whether a process is one of the machine's."""
        return not self.is_gone and pid in {one.pid for one in self.processes}

    def kill(self) -> None:
        """End everything at once, as when its power is cut."""
        if not self.is_gone:
            for process in [*self.processes, psutil.Process(self.process.pid)]:
                send(process, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def leave(self) -> None:
        """End as a machine that is shut down, of which the cluster knows at once."""
        self.process.terminate()
        self.process.wait(timeout=START_SECONDS)
        self.kill()

    def stumble(self, seconds: float) -> None:
        """Let its workers do nothing for so long."""
        workers = self.raylet.children()
        for worker in workers:
            send(worker, signal.SIGSTOP)
        time.sleep(seconds)
        for worker in workers:
            send(worker, signal.SIGCONT)

    def notice(self, address: str, seconds: int) -> None:
        """Tell it that it will be taken away in so many seconds, as a cloud's notice does."""
        words = ["--reason=DRAIN_NODE_REASON_PREEMPTION", "--reason-message=spot"]
        node = [f"--address={address}", f"--node-id={self.node_id}"]
        limit = f"--deadline-remaining-seconds={seconds}"
        subprocess.run([RAY, "drain-node", *node, *words, limit], check=True, capture_output=True)
        self.is_leaving = True


def send(process: psutil.Process, number: int) -> None:
    """Send a signal to a process, which may have ended by itself."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def worker_words(head: str, own_address: str, cores: int = 1) -> Sequence[str]:
    """Return the words of `ray start` on a machine that joins."""
    return [f"--address={head}", f"--node-ip-address={own_address}", f"--num-cpus={cores}"]


class Head(Machine):
    """The node that drivers and the others join; unless it is told so, it has no cores."""

    def __init__(
        self,
        own_address: str,
        environment: Mapping[str, str] = MappingProxyType({}),
        *,
        cores: int = 0,
        gpus: int = 0,
        inside: Sequence[str] = (),
    ) -> None:
        port = free_port()
        self.address = f"{own_address}:{port}"
        words = ["--head", f"--port={port}", "--include-dashboard=false"]
        has = [f"--num-cpus={cores}", f"--num-gpus={gpus}"]
        own = f"--node-ip-address={own_address}"
        super().__init__([*words, *has, own], environment, inside=inside)


class Cluster:
    """A head without cores, and machines that are added and broken."""

    def __init__(self) -> None:
        self._head = Head(HEAD_ADDRESS)
        self.address = self._head.address
        self._numbers = itertools.count(3)
        self._machines: list[Machine] = []

    def have(self, count: int) -> Sequence[Machine]:
        """Return so many machines of one core: those that are left, and new ones."""
        while len(self._machines) > count:
            self._machines.pop().leave()
        while len(self._machines) < count:
            self.add()
        return [*self._machines]

    def add(self, cores: int = 1, **environment: str) -> Machine:
        """Let a machine join, with an address of its own."""
        words = worker_words(self.address, f"127.0.0.{next(self._numbers)}", cores)
        self._machines.append(Machine(words, environment))
        return self._machines[-1]

    def end(self, machine: Machine) -> None:
        """Take a machine away for good."""
        machine.kill()
        self._machines.remove(machine)

    def clear_broken(self) -> None:
        """Take away what a test has broken."""
        for machine in [*self._machines]:
            if machine.is_gone or machine.is_leaving:
                self.end(machine)

    def close(self) -> None:
        """End the head too."""
        for machine in [*self._machines]:
            self.end(machine)
        self._head.kill()


def free_port() -> int:
    """Return a port of 127.0.0.1 at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
