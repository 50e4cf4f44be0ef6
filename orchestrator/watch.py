"""What happens on the driver when a trial starts, finishes an epoch or ends?

The search tells; the store, TensorBoard and the live table are told.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from orchestrator.beside import Onlooker
from orchestrator.journal import Ended
from orchestrator.live import LiveTable
from orchestrator.plan import Plan
from orchestrator.progress import SearchGoal, SearchProgress
from orchestrator.states import TrialState
from orchestrator.tensorboard import TensorBoardLog
from orchestrator.timekeeper import Timekeeper
from trainable.command_line import tell
from trainable.files import remove
from trainable.recipes.recipe import Settings
from trainable.records import EpochRecord, Outcome
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder
from trainable.trial_folder import RUNNING

SECONDS_BETWEEN_FORECASTS = 5


class SearchWatch:
    """Records, logs and shows a search; ``timekeeper`` learns its pace."""

    def __init__(
        self, plan: Plan, folder: ExperimentFolder, timekeeper: Timekeeper, live: LiveTable
    ) -> None:
        self.progress = SearchProgress(SearchGoal(folder.name, None, 0, 0.0))
        self._timekeeper = timekeeper
        self._keep = plan.config.search.keep
        self._folder = folder
        self._log = TensorBoardLog(folder.tensorboard, plan.space, plan.base)
        self._live = live
        self._forecast_at = 0.0
        self._may_go_on: set[str] = set()
        self._without_weights: set[str] = set()
        self.when_completed: Callable[[str], None] = lambda trial: None
        self.onlookers: Sequence[Onlooker] = ()

    def begin(self, progress: SearchProgress, seconds_left: Callable[[], float | None]) -> None:
        """Show where the search stands; ``seconds_left`` forecasts when all is ready."""
        self.progress = progress
        self._seconds_left = seconds_left

    def began(self, trial: str, values: Settings) -> None:
        """Show a trial that starts or goes on; an earlier attempt's failure is forgotten."""
        stored = self._folder.trial(trial)
        self._without_weights.discard(trial)
        if stored.read_outcome() != RUNNING:
            stored.write_outcome(RUNNING)
        known = self.progress.trials.get(trial)
        best = [known.best] if known and known.best else []
        self._log.trial_started(trial, values, best)
        self._timekeeper.began(trial)
        self._show(self.progress.trial_started(trial, values))

    def taken(self, trial: str, values: Settings, epochs: Sequence[EpochRecord]) -> None:
        """Show a trial whose results are those of an equal one that was trained before."""
        self._log.trial_started(trial, values)
        for epoch in epochs:
            self._log.epoch_finished(trial, epoch)
        self._show(self.progress.trial_started(trial, values, epochs))

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> None:
        """Log an epoch."""
        self._log.epoch_finished(trial, epoch)
        self._timekeeper.epoch_finished(trial, self.progress.trials[trial].values, epoch)
        self._show(self.progress.epoch_finished(trial, epoch))

    def paused(self, trial: str) -> None:
        """Show that a trial waits to be promoted."""
        self._show(self.progress.trial_paused(trial))

    def ended(self, event: Ended) -> None:
        """Keep how the trial ended; what going on would need is kept where it may go on."""
        stored = self._folder.trial(event.trial)
        (self._may_go_on.add if event.again else self._may_go_on.discard)(event.trial)
        traceback = stored.read_outcome().traceback if event.status == "failed" else ""
        stored.write_outcome(Outcome(status=event.status, reason=event.reason, traceback=traceback))
        if not event.again:
            stored.discard_state()
        if event.status == "completed":
            self.when_completed(event.trial)
        self._log.trial_finished(event.trial, event.status)
        self._show(self.progress.trial_ended(event.trial, event.status, event.reason))
        best = [one.trial for one in self.progress.ended_well]
        for onlooker in self.onlookers:
            onlooker.ended(event.trial, best)
        # Deleted once: in a bucket each time would be a request, for every trial at every end.
        needless = superfluous(self.progress, self._keep, self._may_go_on)
        for trial in needless - self._without_weights:
            remove(self._folder.trial(trial).weights_file)
        self._without_weights |= needless

    def had_ended(self, event: Ended) -> None:
        """Make up for what an earlier driver did not live to do."""
        stored = self._folder.trial(event.trial)
        if stored.read_outcome().status != event.status or (stored.has_state() and not event.again):
            self.ended(event)

    def close(self) -> None:
        """Let all that was logged be seen."""
        self._log.close()

    def say(self, text: str) -> None:
        """Tell what the user should know of a trial."""
        self._live.say(f"note: {text}")

    def tick(self) -> None:
        """Keep the table's clock going, and look ahead from time to time."""
        now = time.time()
        if now - self._forecast_at >= SECONDS_BETWEEN_FORECASTS:
            left = self._seconds_left()
            self._forecast_at = now
            ready_at = None if left is None else now + left
            self.progress = replace(self.progress, ready_at=ready_at)
        self._show(self.progress)

    def _show(self, progress: SearchProgress) -> None:
        self.progress = progress
        self._live.update(progress)


def stored_progress(
    goal: SearchGoal, trials: Mapping[str, TrialState], folder: ExperimentFolder
) -> SearchProgress:
    """Return how far the trials of the journal are; what has not ended is paused."""
    progress = SearchProgress(goal)
    for name, state in trials.items():
        if not state.has_begun and not state.ended:
            continue  # it was proposed, and no more
        progress = progress.trial_started(name, state.values, known_epochs(folder, name, state))
        progress = (
            progress.trial_ended(name, state.ended.status, state.ended.reason)
            if state.ended
            else progress.trial_paused(name)
        )
    return progress


def known_epochs(folder: ExperimentFolder, name: str, state: TrialState) -> list[EpochRecord]:
    """Return the epochs that the journal knows of; none, and a word, where they are damaged."""
    try:
        stored = folder.trial(name).read_epochs()
    except UnreadableFileError as error:
        tell([f"{error}: {name} is shown without its epochs"])
        return []
    return [epoch for epoch in stored if epoch.epoch <= state.step]


def keep_best_weights(folder: ExperimentFolder, progress: SearchProgress, keep: int) -> None:
    """Delete the weights of the trials that have ended, but for the ``keep`` best of them."""
    for trial in superfluous(progress, keep):
        remove(folder.trial(trial).weights_file)


def superfluous(
    progress: SearchProgress, keep: int, spared: Collection[str] = ()
) -> frozenset[str]:
    """Return the trials that have ended and whose weights nobody needs: all but the ``keep`` best.

    Those of ``spared`` trials that failed are kept: a resumed search goes on with them.

    Only the ended count: the weights of a trial that runs may be better than the driver knows,
    and a trial that will yet fail must not displace one that has not.
    """
    trials = progress.trials.values()
    failed = [one for one in trials if one.status == "failed" and one.trial not in spared]
    return frozenset(one.trial for one in [*failed, *progress.ended_well[keep:]])
