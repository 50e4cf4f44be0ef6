"""Search a space of configurations: `python -m orchestrator.search space=loss_aug`."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config import SCHEMA
from orchestrator.plan import Plan, images_and_models, make_plan
from trainable.check import check_trial
from trainable.command_line import run_command
from trainable.config import DEMO
from trainable.dataset import FaceData
from trainable.experiment import Asked, add_start, check_same_data, start_experiment
from trainable.settings import UserError
from trainable.store import ExperimentFolder, create_experiment, open_experiment

RAYS_STATE = "tuner.pkl"
"""Ray writes it when a search starts, and resumes from it."""


PlanFrom = Callable[[Sequence[str]], Plan]
"""Reads and checks the words of a command."""


@dataclass(frozen=True)
class Ended:
    """A search that is over: exit code, plan, and where its results are."""

    code: int
    plan: Plan
    folder: ExperimentFolder


def main(words: list[str]) -> int:
    """Start a search, or go on with one; return 1 where no trial finished."""
    return start(words, make_plan).code


def start(words: Sequence[str], plan_from: PlanFrom) -> Ended:
    """Start what the words say, or go on with it."""
    plan = plan_from(words)
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    if plan.config.resume:
        return resume(plan, plan_from)
    data = [check_trial(config) for config in images_and_models(plan)]
    experiment = new_experiment(plan, data[0])
    try:
        return Ended(run(plan, experiment), plan, experiment)
    except UserError:
        experiment.discard_if_empty()
        raise


def new_experiment(plan: Plan, data: FaceData) -> ExperimentFolder:
    """Make the experiment's folder and write down what is asked."""
    experiment = create_experiment(Path(plan.config.search.runs), experiment_name(plan))
    settings = {**plan.config.model_dump(mode="json"), **plan.base.model_dump(mode="json")}
    asked = Asked(plan.space.question, plan.command, plan.words, settings, plan.space.as_json())
    start_experiment(experiment, asked, data)
    return experiment


def resume(given: Plan, plan_from: PlanFrom) -> Ended:
    """Go on with a stored search as it was asked."""
    name = given.config.resume
    experiment = open_experiment(Path(given.config.search.runs), name)
    record = experiment.read_record()
    ignored = sorted(
        word for word in given.words if not word.startswith(("resume=", "search.runs="))
    )
    if ignored:
        raise UserError(f"resume={name} goes on as it was asked; leave out {' '.join(ignored)}")
    if not (experiment.path / RAYS_STATE).exists():
        raise UserError(f"{name} holds no search that can go on: no trial was started by one")
    if record.command != given.command:
        raise UserError(f"{name} goes on with: python -m {record.command} resume={name}")
    plan = plan_from(record.words)
    if plan.base.data.root != DEMO:
        plan = plan_from([*record.words, f"data.root='{record.data_root}'"])
    check_same_data(experiment, check_trial(plan.base))
    add_start(experiment)
    return Ended(run(plan, experiment, is_resumed=True), plan, experiment)


def experiment_name(plan: Plan) -> str:
    """Return ``search.name``, or a name made of the time and the space."""
    started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return plan.config.search.name or f"{started}-{'-'.join(plan.config.space)}"


def run(plan: Plan, experiment: ExperimentFolder, *, is_resumed: bool = False) -> int:
    """Run the trials on Ray, predict the eval images with the best and print what came out."""
    # Ray is imported only when every mistake that can be found without it has been found.
    from orchestrator.tuning import tune_and_predict

    return tune_and_predict(plan, experiment, is_resumed=is_resumed)


if __name__ == "__main__":
    run_command(SCHEMA, main)
