"""How is a search run whose trials do nothing? By the driver's own code, whole or unwatched."""

import json
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ray
from ray import cloudpickle

from benchmarks.scale import idle
from benchmarks.scale.idle import GATE, TEMPLATE, IdleTrial
from benchmarks.scale.meter import Mark, MeteredJournal
from orchestrator.asked import Unwatched
from orchestrator.cluster import start_ray
from orchestrator.config import ClusterSection
from orchestrator.decisions import Search
from orchestrator.elastic import Elastic
from orchestrator.launch import new_experiment
from orchestrator.leg_run import LegRun, run_legs
from orchestrator.pace import Pace
from orchestrator.plan import make_plan
from orchestrator.ray_settings import set_environment
from orchestrator.rules import make_rule
from orchestrator.slots import Slots
from orchestrator.states import Ask
from orchestrator.tuning import Session, leg_settings, make_proposals, run_trials
from trainable.dataset import load_data
from trainable.leg_keys import FAILURE, NOTICE, OUT_OF_MEMORY, UNFIT
from trainable.metric_names import METRICS
from trainable.records import EpochRecord
from trainable.store import ExperimentFolder

EPOCH = EpochRecord(
    epoch=1,
    metrics=dict.fromkeys(METRICS, 0.5),
    train_loss=1.0,
    lr=0.001,
    seconds={"data": 0.2, "training": 0.6, "validation": 0.2},
)
RESULT = dict.fromkeys((FAILURE, OUT_OF_MEMORY, UNFIT, NOTICE), "")


@dataclass(frozen=True)
class Asked:
    """How many trials, of how many results, on how many slots; more words of the search."""

    trials: int
    results: int
    slots: int
    words: Sequence[str] = ()


def run_whole(asked: Asked) -> list[Mark]:
    """Run a search with all that a driver does; return its events and when they happened."""
    return _run(asked, lambda session, slots: run_trials(session, slots, (), IdleTrial))


def run_bare(asked: Asked) -> list[Mark]:
    """Run a search that nobody watches: decisions, their journal, and Ray alone."""
    return _run(asked, _run_unwatched)


class Silent(Unwatched):
    """Is told everything, and does nothing."""

    def epoch_finished(self, trial: str, epoch: EpochRecord) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Do nothing."""


def _run(asked: Asked, run: Callable[[Session, Slots], object]) -> list[Mark]:
    with tempfile.TemporaryDirectory() as folder, _many_slots(asked.slots):
        plan = make_plan(_words(asked, folder))
        experiment = new_experiment(plan, [load_data(plan.base.data)])
        _prepare(experiment, asked.slots)
        journal = MeteredJournal(experiment.journal)
        journal.take_up()
        run(Session(plan, experiment, None, Pace(), journal), Slots(1.0, 0.0, asked.slots))
        return journal.marks


def _words(asked: Asked, folder: str) -> list[str]:
    return [
        "space=loss_aug",
        "scheduler.name=fifo",
        f"train.epochs={asked.results}",
        f"search.trials={asked.trials}",
        f"search.runs='{folder}'",
        f"cluster.max_concurrent={asked.slots}",
        *asked.words,
    ]


def _prepare(experiment: ExperimentFolder, slots: int) -> None:
    """Write down what the trials report, and for how many of them they wait."""
    folder = Path(str(experiment.path))
    (folder / GATE).mkdir()
    template = {"result": RESULT, "epoch": EPOCH.model_dump(), "slots": slots}
    (folder / TEMPLATE).write_text(json.dumps(template))


@contextmanager
def _many_slots(slots: int) -> Generator[None]:
    """Start Ray here with so many CPUs that it only thinks it has."""
    cloudpickle.register_pickle_by_value(idle)  # workers have our packages alone
    set_environment(ClusterSection())
    start_ray(ClusterSection(), slots)
    try:
        yield
    finally:
        ray.shutdown()


def _run_unwatched(session: Session, slots: Slots) -> None:
    plan, silent, write = session.plan, Silent(), session.journal.append
    rule = make_rule(plan.config.scheduler, plan.base)
    asked = Ask(plan.config.search.trials, slots.count, lambda values: plan.base.steps)
    search = Search(asked, make_proposals(plan, rule), rule, write=write, watch=silent)
    elastic = Elastic(plan.config.cluster, slots, search, say=silent.say, write=write)
    run = LegRun(leg_settings(session), search, elastic, silent, lambda: False, IdleTrial)
    run_legs(run, lambda trial: "its process ended")
