"""How is a checked search started, or gone on with? Data, folder, and then Ray."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.deadline import End
from orchestrator.earlier import Beginning
from orchestrator.history import FIRST, read_history
from orchestrator.plan import Plan, distinct_configs, end_of
from orchestrator.ray_settings import set_environment
from orchestrator.resume import Resumed
from trainable.check import check_trial
from trainable.command_line import tell
from trainable.dataset import FaceData
from trainable.experiment import Asked, add_start, start_experiment
from trainable.growing import ReplacedError
from trainable.locations import folder_named
from trainable.patience import patient
from trainable.records import FirstTrial, Resumption
from trainable.settings import UserError
from trainable.store import ExperimentFolder, create_experiment

PlanFrom = Callable[[Sequence[str]], Plan]
"""Reads and checks the words of a command."""


@dataclass(frozen=True)
class Ended:
    """A search that is over: exit code, plan, and where its results are."""

    code: int
    plan: Plan
    folder: ExperimentFolder


def begin(plan: Plan, end: End | None) -> Ended:
    """Check the data that trials would read, and search."""
    seen = [data for config in distinct_configs(plan) for data in check_trial(config)]
    experiment = new_experiment(plan, seen)
    try:
        return Ended(run(plan, experiment, end), plan, experiment)
    except ReplacedError:
        raise
    except UserError:
        experiment.discard_if_empty()
        raise


def go_on(found: Resumed, plan_from: PlanFrom, now: datetime) -> Ended:
    """Go on with a stored search, as it was asked or with what was typed now."""
    plan = plan_from(found.words)
    end = end_of(plan, now)
    data = check_trial(plan.base)[0]
    again = found.accept(plan, data)
    tell([*plan.notes, *(f"{change}: going on all the same" for change in again.changes)])
    return Ended(run(plan, found.folder, end, again), plan, found.folder)


def new_experiment(plan: Plan, seen: Sequence[FaceData]) -> ExperimentFolder:
    """Make the experiment's folder and write down what is asked, and what is tried first."""
    first = [] if plan.points else first_trials(plan, seen[0].fingerprint)
    experiment = create_experiment(folder_named(plan.config.search.runs), experiment_name(plan))
    settings = {**plan.config.model_dump(mode="json"), **plan.base.model_dump(mode="json")}
    question, space = plan.space.question, plan.space.as_json()
    asked = Asked(question, plan.command, plan.words, settings, space, first, plan.confirms)
    start_experiment(experiment, asked, seen)
    return experiment


def first_trials(plan: Plan, data_fingerprint: str) -> Sequence[FirstTrial]:
    """Return what history gives to start with, and say what of it does not fit."""
    search = plan.config.search
    beginning = Beginning(folder_named(search.runs), plan.space, plan.base, data_fingerprint)
    size = max(1, min(FIRST, search.trials // 3))  # the sampler has the larger part
    history = read_history(search.history, beginning, size)
    tell(history.notes)
    return history.first


def experiment_name(plan: Plan) -> str:
    """Return ``search.name``, or a name made of the time and the space."""
    started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return plan.config.search.name or f"{started}-{'-'.join(plan.config.space)}"


def run(
    plan: Plan, experiment: ExperimentFolder, end: End | None, again: Resumption | None = None
) -> int:
    """Run the trials on Ray, predict the eval images with the best and print what came out.

    ``again`` is written down where a search is resumed, when nothing speaks against it any more.
    """
    # Ray is imported only when every mistake that can be found without it has been found.
    set_environment(plan.config.cluster)
    from orchestrator.driver import tune_and_predict
    from orchestrator.estimates import estimated_pace
    from orchestrator.journal import Journal
    from orchestrator.tuning import Session

    with experiment.searched():
        with patient():
            journal = Journal(experiment.journal)
            events, notice = journal.take_up()
            tell([notice] if notice else [])
            pace = estimated_pace(plan, experiment, end, is_resumed=again is not None)
            if again:
                add_start(experiment, again)
        return tune_and_predict(Session(plan, experiment, end, pace, journal, events))
