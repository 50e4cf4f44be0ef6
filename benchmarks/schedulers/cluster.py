"""What happens on a cluster, and when? An event clock drives a searcher and a scheduler.

Both are driven through Ray's interfaces, as Ray's own controller drives them. Each trial that the
searcher suggests is a leg: it trains a configuration from the epoch where it is up to where the
scheduler stops it, and reports each epoch. A configuration that has a name, as our own legs do,
goes on where its last leg stopped; one that has none is trained once.
"""

import heapq
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ray.tune.result import DONE
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from benchmarks.schedulers.curves import Curve, Numbers, Task
from benchmarks.schedulers.stand_ins import (
    RUNNING,
    TERMINATED,
    Epoch,
    SimulatedController,
    SimulatedTrial,
    result_of,
)
from trainable.leg_keys import TRIAL


@dataclass(frozen=True)
class Cluster:
    """The machines, and what they cost."""

    workers: int = 4
    start_epochs: float = 0.1
    """What a start or a resume takes, in mean epochs of the configuration."""
    noise: float = 0.0
    """Standard deviation of what is added to each score that is seen."""
    seed: int = 0
    """Of the noise."""


@dataclass
class Training:
    """A configuration, and how far it is."""

    curve: Curve
    seen: Numbers
    """The scores as they are reported, noise included; shape (epochs,)."""
    epochs: int = 0
    best: float = -math.inf
    is_running: bool = False


@dataclass(eq=False)
class Leg:
    """A piece of a training, which Ray takes for a trial."""

    trial: SimulatedTrial
    training: Training
    iterations: int = 0
    seconds: float = 0.0


@dataclass
class Log:
    """What came of a search."""

    found: list[tuple[float, float]] = field(default_factory=list)
    """Seconds, and the true score of the epoch that looked best of all that far."""
    trainings: int = 0
    legs: int = 0
    epochs: int = 0
    end: float = 0.0
    """Seconds at the last event."""


class Simulation:
    """One search for one task's best configuration."""

    def __init__(
        self, task: Task, searcher: Searcher, scheduler: TrialScheduler, cluster: Cluster
    ) -> None:
        self._task, self._cluster = task, cluster
        # Their signatures name Ray's own trials and controller.
        self._searcher: Any = searcher
        self._scheduler: Any = scheduler
        self._controller = SimulatedController()
        self._trainings: dict[str, Training] = {}
        self._legs: dict[str, Leg] = {}
        self._events: list[tuple[float, int, Leg]] = []
        self._count = itertools.count()
        self._random = np.random.default_rng(cluster.seed)
        self._best_seen = -math.inf
        self._is_finished = False
        self.now = 0.0
        self.log = Log()

    def run(self, until: float = math.inf) -> Log:
        """Go on until the searcher has finished or so many seconds have passed."""
        self._start_legs()
        while self._events and self._events[0][0] <= until:
            self.now, _, leg = heapq.heappop(self._events)
            self.log.end = self.now
            self._finish_epoch(leg)
            self._start_legs()
        return self.log

    def _start_legs(self) -> None:
        """Give each free worker something to do, as far as there is something."""
        while len(self._legs) < self._cluster.workers and not self._is_finished:
            trial = self._next_trial()
            if trial is None:
                break
            self._start(trial)
        if not self._legs and not self._is_finished:
            raise RuntimeError("the searcher waits for a result, but nothing runs")

    def _next_trial(self) -> SimulatedTrial | None:
        """Ask the searcher for a trial and the scheduler for its consent, in Ray's order."""
        name = f"{self.log.legs:05d}"
        config = self._searcher.suggest(name)
        if config == Searcher.FINISHED:
            self._is_finished = True
        if config is None or config == Searcher.FINISHED:
            return None
        trial = SimulatedTrial(name, config)
        self._controller.live[name] = trial
        self._scheduler.on_trial_add(self._controller, trial)
        return self._scheduler.choose_trial_to_run(self._controller)

    def _start(self, trial: SimulatedTrial) -> None:
        training = self._training_of(trial)
        trial.status, training.is_running = RUNNING, True
        leg = Leg(trial, training)
        self._legs[trial.trial_id] = leg
        self.log.legs += 1
        mean_epoch = training.curve.seconds / self._task.epochs
        self._schedule_epoch(leg, self._cluster.start_epochs * mean_epoch)

    def _training_of(self, trial: SimulatedTrial) -> Training:
        name = str(trial.config.get(TRIAL, trial.trial_id))
        if name not in self._trainings:
            self._trainings[name] = self._new_training(trial.config)
        training = self._trainings[name]
        assert not training.is_running, f"{name} already runs"
        assert training.epochs < self._task.epochs, f"{name} is trained already"
        return training

    def _new_training(self, config: Mapping[str, Any]) -> Training:
        paths = self._task.space.parameters
        (curve,) = self._task.curves([{path: config[path] for path in paths if path in config}])
        noise = self._random.normal(0.0, self._cluster.noise, len(curve.scores))
        self.log.trainings += 1
        return Training(curve, curve.scores + noise)

    def _schedule_epoch(self, leg: Leg, delay: float = 0.0) -> None:
        seconds = float(leg.training.curve.epoch_seconds[leg.training.epochs])
        finished = self.now + delay + seconds
        heapq.heappush(self._events, (finished, next(self._count), leg))

    def _finish_epoch(self, leg: Leg) -> None:
        """Report an epoch as Ray does: to the scheduler first, whose decision the searcher sees."""
        trial, result = leg.trial, self._advance(leg)
        decision = self._scheduler.on_trial_result(self._controller, trial, result)
        trial.last_result = result
        if decision not in (TrialScheduler.CONTINUE, TrialScheduler.STOP):
            raise NotImplementedError(f"{decision}: a pause is a leg that stops")
        if decision == TrialScheduler.CONTINUE and leg.training.epochs < self._task.epochs:
            self._searcher.on_trial_result(trial.trial_id, result)
            self._schedule_epoch(leg)
        else:
            self._end(leg)

    def _advance(self, leg: Leg) -> dict[str, Any]:
        """Count an epoch, and return its result."""
        training = leg.training
        place = training.epochs
        seen, seconds = float(training.seen[place]), float(training.curve.epoch_seconds[place])
        training.epochs += 1
        training.best = max(training.best, seen)
        leg.iterations += 1
        leg.seconds += seconds
        self.log.epochs += 1
        if seen > self._best_seen:
            self._best_seen = seen
            self.log.found.append((self.now, float(training.curve.scores[place])))
        epoch = Epoch(training.epochs, seen, training.best, seconds)
        return result_of(epoch, leg.iterations, leg.seconds)

    def _end(self, leg: Leg) -> None:
        """Tell that a trial is over, and free its worker."""
        trial = leg.trial
        trial.last_result[DONE] = True
        self._scheduler.on_trial_complete(self._controller, trial, trial.last_result)
        self._searcher.on_trial_complete(trial.trial_id, result=trial.last_result)
        trial.status, leg.training.is_running = TERMINATED, False
        del self._legs[trial.trial_id]
        del self._controller.live[trial.trial_id]
