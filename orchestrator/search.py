"""Search a space of configurations: `python -m orchestrator.search space=loss_aug`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config import SCHEMA
from orchestrator.plan import Plan, images_and_models, make_plan
from trainable.command_line import run_command
from trainable.config import DEMO, UserError
from trainable.dataset import FaceData
from trainable.experiment import Asked, add_start, check_same_data, start_experiment
from trainable.fitting import check_trial
from trainable.store import ExperimentFolder, create_experiment, open_experiment

RAYS_STATE = "tuner.pkl"
"""Ray writes it when a search starts, and resumes from it."""


def main(words: list[str]) -> int:
    """Start a search, or go on with one; return 1 where no trial finished."""
    plan = make_plan(words)
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    if plan.config.resume:
        return resume(plan)
    data = [check_trial(config) for config in images_and_models(plan)]
    experiment = new_experiment(plan, data[0])
    try:
        return run(plan, experiment)
    except UserError:
        experiment.discard_if_empty()
        raise


def new_experiment(plan: Plan, data: FaceData) -> ExperimentFolder:
    """Make the experiment's folder and write down what is asked."""
    experiment = create_experiment(Path(plan.config.search.runs), experiment_name(plan))
    settings = {**plan.config.model_dump(mode="json"), **plan.base.model_dump(mode="json")}
    asked = Asked(plan.space.question, plan.words, settings, plan.space.as_json())
    start_experiment(experiment, asked, data)
    return experiment


def resume(given: Plan) -> int:
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
    is_demo = any(word == f"data.root={DEMO}" for word in record.words) or not any(
        word.startswith("data.root=") for word in record.words
    )
    plan = make_plan(
        record.words if is_demo else [*record.words, f"data.root='{record.data_root}'"]
    )
    check_same_data(experiment, check_trial(plan.base))
    add_start(experiment)
    return run(plan, experiment, is_resumed=True)


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
