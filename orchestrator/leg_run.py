"""How is Ray Tune made to run legs until a search is over, also where Tune itself breaks?"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from ray import tune
from ray.exceptions import RayError
from ray.tune.error import TuneError

from orchestrator.decisions import Search
from orchestrator.elastic import Elastic, group_of
from orchestrator.legs import EpochWatch, LegScheduler, LegSearcher, leg_name
from orchestrator.nodes import node_of
from orchestrator.watchdog import Watchdog
from trainable.ray_trial import RayTrial

RAYS_SETTINGS = {
    # The journal replaces Ray's own snapshots of the search.
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_SLOW_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "1000000000",
    # How many trials wait for a slot is the search's to decide.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000000",
    # Why trials are broken off is told in a sentence.
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}


@dataclass(frozen=True)
class LegRun:
    """A search to run: what all its legs are told, its slots, its watch, and when time is over.

    ``trainable`` is what each slot's process runs.
    """

    shared: Mapping[str, Any]
    search: Search
    elastic: Elastic
    watch: EpochWatch
    is_over: Callable[[], bool]
    trainable: type[tune.Trainable] = RayTrial


def run_legs(run: LegRun, reason_of: Callable[[str], str]) -> bool:
    """Run legs until nothing is left to do, which is returned, or the time is over.

    Tune ends with an error where Ray kills a worker because its machine is short of memory; then
    all that ran is broken off, as if their machines were lost, and goes on in a new Tune.
    """
    os.environ.update(RAYS_SETTINGS)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    watchdog = Watchdog()
    while True:
        searcher = LegSearcher(run.search, run.elastic, reason_of, run.is_over)
        scheduler = LegScheduler(searcher, run.watch, watchdog)
        try:
            _fit(run, scheduler)
        except (RayError, RuntimeError, TuneError) as error:
            if run.search.is_idle:  # nothing can be counted as broken off: it would go on for ever
                raise
            scheduler.break_off(error)
            continue
        if searcher.error:
            raise searcher.error
        return searcher.is_finished


def _fit(run: LegRun, scheduler: LegScheduler) -> None:
    with TemporaryDirectory(prefix="search-") as rays_folder:
        tune.Tuner(
            tune.with_resources(run.trainable, group_of),
            param_space=dict(run.shared),
            tune_config=tune.TuneConfig(
                search_alg=scheduler.searcher,
                scheduler=scheduler,
                num_samples=-1,
                reuse_actors=True,
                trial_name_creator=leg_name,
                trial_dirname_creator=leg_name,
            ),
            run_config=tune.RunConfig(
                name="legs",
                storage_path=rays_folder,
                callbacks=[Ticks(run.watch, run.elastic, scheduler)],
                stop=AtDeadline(run.is_over),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                failure_config=tune.FailureConfig(max_failures=0),
                verbose=0,
            ),
        ).fit()


class Ticks(tune.Callback):
    """Looks after what no result tells: time that passes, machines, trials that hang."""

    def __init__(self, watch: EpochWatch, elastic: Elastic, scheduler: LegScheduler) -> None:
        self._watch = watch
        self._elastic = elastic
        self._scheduler = scheduler

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Take that a leg's process has begun."""
        self._scheduler.began(trial, node_of(trial.temporary_state.ray_actor))

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Look around."""
        self._watch.tick()
        with self._scheduler.searcher.errors_kept():
            self._elastic.look()
            self._scheduler.end_hanging()

    def __getstate__(self) -> dict[str, Any]:
        return {}


class AtDeadline(tune.Stopper):
    """Ends all trials when the time is over."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        self._is_over = is_over

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Let each trial go on by itself."""
        return False

    def stop_all(self) -> bool:
        """Say whether the time is over."""
        return self._is_over()

    def __getstate__(self) -> dict[str, Any]:
        return {}
