"""How does Ray run a trial in several processes? The trial's own starts the others beside it."""

import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import (
    ActorUnavailableError,
    GetTimeoutError,
    RayActorError,
    RayError,
    RayTaskError,
)
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from trainable.config import TrialConfig
from trainable.device import is_out_of_memory, release_memory
from trainable.fitting import Fit
from trainable.fold_fit import DivergedError
from trainable.node_check import Expected, why_unfit
from trainable.patience import patient
from trainable.storage_errors import StorageError
from trainable.store import ExperimentFolder
from trainable.team import Seat, abort_team, host_team, join_team, leave_team

SECONDS_BETWEEN_LOOKS = 0.5
NOTICE_SECONDS = 20.0
"""How long the first process has to notice that another one is gone, before it ends itself."""
NODE_DIED = "because its node has died"
"""What Ray writes of an actor whose machine is gone."""


class LostPeerError(RuntimeError):
    """Another process of the trial has ended; the message says why."""


class LostMachineError(RuntimeError):
    """The machine of another process of the trial is gone: that is no failure of the trial's."""


@dataclass(frozen=True)
class Place:
    """A process's machine: Ray's name of it, its address, and why it must not train the trial."""

    node: str
    address: str
    unfit: str


class Peer:
    """A process that trains what the trial's first process trains, and keeps nothing."""

    def __init__(self) -> None:
        self._fit: Fit | None = None

    def look(self, config: TrialConfig, experiment: ExperimentFolder, expected: Expected) -> Place:
        """Return where this process is, and whether a trial may be trained there."""
        try:
            with patient():
                unfit = why_unfit(config, experiment, expected)
        except StorageError as error:
            unfit = str(error)
        node, address = ray.get_runtime_context().get_node_id(), ray.util.get_node_ip_address()
        return Place(node, address, unfit)

    def begin(self, config: TrialConfig, seat: Seat) -> None:
        """Join a trial, and go on from where its first process is."""
        leave_team()
        self._fit = None
        release_memory()
        join_team(seat)
        self._fit = Fit(config)
        self._fit.go_on_together()

    def follow(self, step: int) -> None:
        """Train the step after ``step``."""
        assert self._fit
        self._fit.follow(step)


class Peers:
    """The other processes of a trial, one for each further bundle of its placement group.

    They live as long as this one does, from trial to trial, or until one of them fails. ``places``
    are where they were when they were looked for last.
    """

    def __init__(self, group: PlacementGroup) -> None:
        self._group = group
        self._actors: list[Any] = []
        self._failure: Exception | None = None
        self.places: Sequence[Place] = ()

    def look(
        self, config: TrialConfig, experiment: ExperimentFolder, expected: Expected
    ) -> Sequence[Place]:
        """See where the others are, and whether a trial may be trained there."""
        self._actors = self._actors or [
            _start(self._group, bundle) for bundle in range(1, self._group.bundle_count)
        ]
        looking = [actor.look.remote(config, experiment, expected) for actor in self._actors]
        try:
            self.places = ray.get(looking)
        except RayError as error:
            self.end()
            raise failure_of_peer(error) from None
        return self.places

    def begin(self, fit: Fit) -> None:
        """Train ``fit`` together from now on, where all may."""
        here, size = ray.util.get_node_ip_address(), len(self._actors) + 1
        leave_team()
        store = host_team(here, size)
        theirs = [place.address for place in self.places]
        seats = [Seat(rank, size, here, store.port, at) for rank, at in enumerate([here, *theirs])]
        joining = [
            actor.begin.remote(fit.config, seat)
            for actor, seat in zip(self._actors, seats[1:], strict=True)
        ]
        with self._beside(joining):
            join_team(seats[0], store)
            fit.go_on_together()

    @contextmanager
    def following(self, step: int) -> Generator[None]:
        """Let the others train the step after ``step`` while this process does."""
        with self._beside([actor.follow.remote(step) for actor in self._actors]):
            yield

    def end(self) -> None:
        """End the other processes: they may wait for this one."""
        for actor in self._actors:
            ray.kill(actor)
        self._actors = []

    @contextmanager
    def _beside(self, tasks: Sequence[Any]) -> Generator[None]:
        """Do what needs ``tasks`` of all others; the error of one of them is raised here."""
        over = threading.Event()
        self._failure = None
        watching = threading.Thread(target=self._watch, args=(tasks, over))
        watching.start()
        try:
            yield
            ray.get(list(tasks))
        except DivergedError:
            raise  # in all of them
        except Exception as error:
            if not is_out_of_memory(error):
                self._look(tasks, NOTICE_SECONDS)
            self.end()
            failure, self._failure = self._failure, None  # once raised it refers to the networks
            if failure:
                raise failure from None
            raise
        finally:
            over.set()
            watching.join()

    def _watch(self, tasks: Sequence[Any], over: threading.Event) -> None:
        """End this process's waiting, or all of it, when another process has failed."""
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            if self._look(tasks, 0):
                self.end()
                abort_team()
                if not over.wait(NOTICE_SECONDS):
                    os._exit(1)

    def _look(self, tasks: Sequence[Any], seconds: float) -> bool:
        """Say whether a task has failed within so many seconds, and keep its error."""
        for task in tasks:
            try:
                ray.get(task, timeout=seconds)
            except GetTimeoutError:
                continue
            except RayError as error:
                self._failure = self._failure or failure_of_peer(error)
            else:
                continue
            return not isinstance(self._failure, DivergedError)
        return False


def failure_of_peer(error: RayError) -> Exception:
    """Return what Ray's error says of another process: its own error, or that it has ended."""
    if isinstance(error, RayTaskError):
        return error.cause
    if lost := why_lost(error):
        return LostMachineError(f"a process of it ended: {lost}")
    return LostPeerError(f"a process of it ended: {str(error).splitlines()[0]}")


def why_lost(error: BaseException | None) -> str:
    """Return how the machine of a process was lost, empty where an error of Ray's says no such."""
    if isinstance(error, ActorUnavailableError):
        return "its machine could not be reached"
    if isinstance(error, RayActorError) and error.preempted:
        return "its machine was taken away"
    if isinstance(error, RayActorError) and NODE_DIED in str(error):
        return "its machine was lost"
    return ""


def _start(group: PlacementGroup, bundle: int) -> Any:
    resources = group.bundle_specs[bundle]
    place = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=bundle)
    peer = ray.remote(num_cpus=resources["CPU"], num_gpus=resources.get("GPU", 0))(Peer)
    return peer.options(scheduling_strategy=place).remote()
