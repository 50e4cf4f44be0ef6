"""How does Ray Tune run a search? Each leg of a trial is a Ray trial, run by thin adapters."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from orchestrator.decisions import Search
from trainable.ray_trial import BEST, EPOCH, FAILURE, KNOWN, NOTICE, STEP, TRIAL
from trainable.records import EpochRecord
from trainable.settings import UserError
from trainable.store import StorageError


class EpochWatch(Protocol):
    """Who is told of every epoch."""

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> None:
        """A trial finished an epoch."""
        ...

    def say(self, text: str) -> None:
        """Something happened that the user should know."""
        ...


class LegSearcher(Searcher):
    """Gives Ray the next leg as a trial's configuration.

    ``reason_of`` says why a trial's process failed.
    """

    def __init__(self, search: Search, reason_of: Callable[[str], str]) -> None:
        super().__init__(metric=BEST, mode="max")
        self.search = search
        self._reason_of = reason_of
        self._trials: dict[str, str] = {}
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
        leg = self.search.next_leg()
        if leg is None:
            self.is_finished = self.search.is_idle
            return Searcher.FINISHED if self.is_finished else None
        self._trials[trial_id] = leg.trial
        return {**leg.values, TRIAL: leg.trial, KNOWN: leg.step}

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Free the slot; a leg that ended otherwise than by a verdict has failed."""
        trial = self._trials.pop(trial_id)
        if error and not self.error:
            with self.errors_kept():
                self.search.broke(trial, self._reason_of(trial))

    def save(self, checkpoint_path: str) -> None:
        """Write nothing: the journal holds all."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing: the journal holds all."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class LegScheduler(FIFOScheduler):
    """Ends a leg where its trial pauses or ends."""

    def __init__(self, searcher: LegSearcher, watch: EpochWatch) -> None:
        super().__init__()
        self._searcher = searcher
        self._search = searcher.search
        self._watch = watch

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> str:
        """Take a step's score; a lost loss is the trial's own failure."""
        with self._searcher.errors_kept():
            return self._decide(trial, result)
        return TrialScheduler.STOP

    def _decide(self, trial: Trial, result: Mapping[str, Any]) -> str:
        if self._searcher.error:
            return TrialScheduler.STOP
        name = trial.config[TRIAL]
        if result.get(NOTICE):
            self._watch.say(result[NOTICE])
        if result[FAILURE]:
            self._search.fail(name, result[FAILURE])
            return TrialScheduler.STOP
        if result[STEP] > self._search.trials[name].step:
            self._watch.epoch_finished(name, EpochRecord.model_validate_json(result[EPOCH]))
        goes_on = self._search.report(name, result[STEP], result[BEST])
        return TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP

    def __getstate__(self) -> dict[str, Any]:
        return {}


def leg_name(trial: Trial) -> str:
    """Return a name that no two legs share: the trial's, and from which step on."""
    return f"{trial.config[TRIAL]}-{trial.config[KNOWN]}-{trial.trial_id}"
