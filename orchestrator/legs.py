"""How does Ray Tune run a search? Each leg of a trial is a Ray trial, run by thin adapters."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import ray
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from orchestrator.breakage import Breakage, breakage_of, error_of
from orchestrator.decisions import Search
from orchestrator.states import Leg
from orchestrator.watchdog import Watchdog
from trainable.leg_keys import (
    BEST,
    EPOCH,
    FAILURE,
    KNOWN,
    NODES,
    NOTICE,
    OUT_OF_MEMORY,
    RELIEF,
    STEP,
    TRIAL,
    UNFIT,
)
from trainable.records import EpochRecord
from trainable.settings import UserError
from trainable.storage_errors import StorageError


class EpochWatch(Protocol):
    """Who is told of every epoch, and that time passes."""

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> None:
        """A trial finished an epoch."""
        ...

    def say(self, text: str) -> None:
        """Something happened that the user should know."""
        ...

    def tick(self) -> None:
        """Time has passed."""
        ...


class Machines(Protocol):
    """Who knows the machines that legs run on."""

    def look(self) -> None:
        """See which are there; UserError where not one that is there can train."""
        ...

    def place_of(self, leg: Leg) -> Mapping[str, Any]:
        """Return what a leg needs of a machine, as keys of its configuration."""
        ...

    def refuse(self, node: str, reason: str) -> None:
        """Start nothing on a machine for a while."""
        ...

    def why_leaving(self, node: str) -> str:
        """Return why a trial should leave a machine; empty where it need not."""
        ...


class LegSearcher(Searcher):
    """Gives Ray the next leg as a trial's configuration.

    ``reason_of`` says why a trial's process failed, as far as it could tell; ``is_over`` whether no
    time is left.
    """

    def __init__(
        self,
        search: Search,
        machines: Machines,
        reason_of: Callable[[str], str],
        is_over: Callable[[], bool],
    ) -> None:
        super().__init__(metric=BEST, mode="max")
        self.search = search
        self.machines = machines
        self._reason_of = reason_of
        self._is_over = is_over
        self._trials: dict[str, str] = {}
        self.breakages: dict[str, Breakage] = {}
        """Why legs are broken off, by Ray's names for them, until Ray says that they are."""
        self.is_finished = False
        self.error: Exception | None = None
        """What cannot be gone on with: a full disk. Ray would make a traceback of it."""

    def suggest(self, trial_id: str) -> Any:
        """Return the next leg, None while there is nothing to do, or that there is none left."""
        with self.errors_kept():
            return self._suggest(trial_id)
        return Searcher.FINISHED

    @contextmanager
    def errors_kept(self) -> Generator[None]:
        """Keep the first error that the user should be told, and let the search end."""
        try:
            yield
        except (StorageError, UserError) as error:
            self.error = self.error or error

    def _suggest(self, trial_id: str) -> Any:
        if self.error:
            return Searcher.FINISHED
        self.machines.look()  # while nothing runs Ray does nothing but ask
        leg = self.search.next_leg()
        if leg is None:
            self.is_finished = self.search.is_idle and self.search.slots > 0
            is_over = self.is_finished or self._is_over()
            return Searcher.FINISHED if is_over else None
        self._trials[trial_id] = leg.trial
        place = self.machines.place_of(leg)
        return {**leg.values, TRIAL: leg.trial, KNOWN: leg.step, RELIEF: leg.relief, **place}

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Free the slot; a leg that ended otherwise than by a verdict was broken off."""
        trial = self._trials.pop(trial_id)
        breakage = self.breakages.pop(trial_id, Breakage("trial"))
        if error and not self.error:
            with self.errors_kept():
                reason = breakage.reason or self._reason_of(trial)
                self.search.broke(trial, reason, breakage.cause)

    def save(self, checkpoint_path: str) -> None:
        """Write nothing: the journal holds all."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing: the journal holds all."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class LegScheduler(FIFOScheduler):
    """Ends a leg where its trial pauses, ends or has to go on elsewhere.

    ``kill`` ends the process of one that hangs, by Ray's handle.
    """

    def __init__(
        self,
        searcher: LegSearcher,
        watch: EpochWatch,
        watchdog: Watchdog,
        kill: Callable[[Any], None] = ray.kill,
    ) -> None:
        super().__init__()
        self.searcher = searcher
        self._search = searcher.search
        self._watch = watch
        self._machines = searcher.machines
        self._watchdog = watchdog
        self._kill = kill
        self._running: dict[str, Trial] = {}

    def began(self, trial: Trial, node: str) -> None:
        """Take that a leg's process has begun on a machine."""
        self._running[trial.config[TRIAL]] = trial
        self._watchdog.began(trial.config[TRIAL], node)

    def end_hanging(self) -> None:
        """Kill the processes of trials that hang; they are tried again as any that failed."""
        for name, breakage in self._watchdog.hanging().items():
            trial = self._running[name]
            self._forget(name)
            self.searcher.breakages[trial.trial_id] = breakage
            actor = trial.temporary_state.ray_actor
            assert actor
            self._kill(actor)

    def break_off(self, error: Exception) -> None:
        """Take that Tune itself ended with an error, and every leg with it."""
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        self._watch.say(f"Ray Tune broke off ({reason}); the trials go on")
        for name in self._search.running:
            self._forget(name)
            self._search.broke(name, reason, "machine")

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> str:
        """Take a step's score; a lost loss is the trial's own failure."""
        goes_on = False
        with self.searcher.errors_kept():
            goes_on = not self.searcher.error and self._goes_on(trial, result)
        if goes_on:
            return TrialScheduler.CONTINUE
        self._forget(trial.config[TRIAL])
        return TrialScheduler.STOP

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Find out why a leg was broken off, and tell."""
        name = trial.config[TRIAL]
        self._forget(name)
        breakages = self.searcher.breakages
        found = breakages.setdefault(trial.trial_id, breakage_of(error_of(trial)))
        if found.reason:
            self._watch.say(f"{name} was broken off: {found.reason}")

    def _goes_on(self, trial: Trial, result: Mapping[str, Any]) -> bool:
        name = trial.config[TRIAL]
        if result.get(NOTICE):
            self._watch.say(result[NOTICE])
        if result[FAILURE]:
            self._search.fail(name, result[FAILURE])
            return False
        if result[UNFIT]:
            self._machines.refuse(result[NODES][0], result[UNFIT])
            self._search.broke(name, f"its machine is unfit: {result[UNFIT]}", "machine")
            return False
        if result[OUT_OF_MEMORY]:
            self._watch.say(f"{name} ran out of memory: {result[OUT_OF_MEMORY]}")
            self._search.broke(name, result[OUT_OF_MEMORY], "memory")
            return False
        if result[STEP] > self._search.trials[name].step:
            epoch = EpochRecord.model_validate_json(result[EPOCH])
            self._watchdog.heard(name, epoch.epoch_seconds)
            self._watch.epoch_finished(name, epoch)
        goes_on = self._search.report(name, result[STEP], result[BEST])
        leaving = next(filter(None, map(self._machines.why_leaving, result[NODES])), "")
        if goes_on and leaving:
            self._search.broke(name, f"it left its machine: {leaving}", "machine")
        return goes_on and not leaving

    def _forget(self, name: str) -> None:
        self._watchdog.ended(name)
        self._running.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        return {}


def leg_name(trial: Trial) -> str:
    """Return a name that no two legs share: the trial's, and from which step on."""
    return f"{trial.config[TRIAL]}-{trial.config[KNOWN]}-{trial.trial_id}"
