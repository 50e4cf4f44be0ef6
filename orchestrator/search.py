"""Search a space of configurations: `python -m orchestrator.search space=loss_aug`."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.config import SCHEMA, SearchConfig
from orchestrator.plan import Plan, distinct_configs, make_plan
from trainable.check import check_trial
from trainable.command_line import Schema, read_words, run_command
from trainable.config import DataConfig
from trainable.dataset import FaceData
from trainable.experiment import Asked, add_start, check_same_data, start_experiment
from trainable.records import ExperimentRecord
from trainable.settings import UserError
from trainable.store import ExperimentFolder, create_experiment, open_experiment

RAYS_STATE = "tuner.pkl"
"""Ray writes it when a search starts, and resumes from it."""


FILES = ("root", "face_boxes", "label_fixes")
"""Settings of ``data`` that name files."""
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
    return start(words, SCHEMA, make_plan).code


def start(words: Sequence[str], schema: Schema[Any], plan_from: PlanFrom) -> Ended:
    """Start what the words say, or go on with it."""
    asked: SearchConfig = read_words(schema, words).settings
    if asked.resume:
        return resume(asked, words, schema, plan_from)
    plan = plan_from(words)
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    seen = [data for config in distinct_configs(plan) for data in check_trial(config)]
    experiment = new_experiment(plan, seen)
    try:
        return Ended(run(plan, experiment), plan, experiment)
    except UserError:
        experiment.discard_if_empty()
        raise


def new_experiment(plan: Plan, seen: Sequence[FaceData]) -> ExperimentFolder:
    """Make the experiment's folder and write down what is asked."""
    experiment = create_experiment(Path(plan.config.search.runs), experiment_name(plan))
    settings = {**plan.config.model_dump(mode="json"), **plan.base.model_dump(mode="json")}
    asked = Asked(plan.space.question, plan.command, plan.words, settings, plan.space.as_json())
    start_experiment(experiment, asked, seen)
    return experiment


def resume(
    asked: SearchConfig, words: Sequence[str], schema: Schema[Any], plan_from: PlanFrom
) -> Ended:
    """Go on with a stored search as it was asked."""
    name = asked.resume
    experiment = open_experiment(Path(asked.search.runs), name)
    record = experiment.read_record()
    ignored = sorted(word for word in words if not word.startswith(("resume=", "search.runs=")))
    if ignored:
        raise UserError(f"resume={name} goes on as it was asked; leave out {' '.join(ignored)}")
    if not (experiment.path / RAYS_STATE).exists():
        raise UserError(f"{name} holds no search that can go on: no trial was started by one")
    if record.command != schema.command:
        raise UserError(f"{name} goes on with: python -m {record.command} resume={name}")
    plan = plan_from(words_of(record, schema))
    check_same_data(experiment, check_trial(plan.base)[0])
    add_start(experiment)
    return Ended(run(plan, experiment, is_resumed=True), plan, experiment)


def words_of(record: ExperimentRecord, schema: Schema[Any]) -> list[str]:
    """Return the words of a stored search, with the files that they named from where it started."""
    stored = DataConfig.model_validate(record.settings["data"])
    files = {f"data.{name}": getattr(stored, name) for name in FILES}
    pinned = read_words(schema, record.words).pinned & files.keys()
    paths = [word.partition("=")[0] for word in record.words]
    return [
        f"{path}='{files[path]}'" if path in pinned else word
        for path, word in zip(paths, record.words, strict=True)
    ]


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
