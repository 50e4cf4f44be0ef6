"""What does a driver do, from Ray's start to the summary? Trials, eval predictions, final folds."""

import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

import ray

from orchestrator.beside import Onlooker
from orchestrator.cluster import start_ray
from orchestrator.config import SearchConfig
from orchestrator.estimates import CLOSING_SECONDS, suited
from orchestrator.finish import best_trials, how_to_resume, runs_option, summary
from orchestrator.gpus import shared_gpus
from orchestrator.journal import Journal
from orchestrator.memory import MemoryKept
from orchestrator.nodes import resources_there
from orchestrator.painter import Painter
from orchestrator.plan import Plan
from orchestrator.predicting import Predicting, predict_all
from orchestrator.run_logs import run_logs
from orchestrator.slots import Slots, share_out
from orchestrator.tuning import Session, Trained, final_base, run_trials
from orchestrator.watch import keep_best_weights
from search_spaces.language import Space
from trainable.command_line import INTERRUPTED, tell
from trainable.dataset import load_data
from trainable.experiment import Asked, start_experiment
from trainable.patience import patient
from trainable.store import ExperimentFolder, create_experiment


def tune_and_predict(session: Session) -> int:
    """Run the trials, then the eval predictions; return 1 where no trial finished an epoch."""
    cluster = session.plan.config.cluster
    start_ray(cluster)
    try:
        share = shared_gpus(session.plan)
        slots = share_out(cluster, session.plan.config.search.trials, resources_there(), share)
        plan = replace(session.plan, base=suited(session.plan.base, slots))
        with patient():
            code = search_and_predict(replace(session, plan=plan), slots)
        if slots.gpus:
            remember_memory(session.folder)
        return code
    finally:
        ray.shutdown()


def search_and_predict(session: Session, slots: Slots) -> int:
    """Do so on Ray, which has been started."""
    plan, folder = session.plan, session.folder
    if not folder.read_record().confirms:  # the search stays what commands are about
        folder.become_latest()
    with onlooking(plan, folder) as onlookers:
        trained = run_trials(session, slots, onlookers)
        if not trained.is_over:
            print(f"\n{how_to_resume(trained.progress, folder, plan.command)}")
            return INTERRUPTED
        best, predicted = predict_best(session, slots, trained, onlookers)
        print(summary(trained.progress, folder, len(predicted)))
    if best and plan.config.search.final_folds:
        train_final(session, best[0], trained.avoid)
    return 0 if best else 1


def remember_memory(folder: ExperimentFolder) -> None:
    """Keep for later searches what trials took of GPUs, if it can be kept at once."""
    try:
        MemoryKept().learn(folder)
    except OSError as error:
        tell([f"the next search measures anew what trials take: {error}"])


@contextmanager
def onlooking(plan: Plan, folder: ExperimentFolder) -> Generator[Sequence[Onlooker]]:
    """Give who makes something of the trials that end, beside the search."""
    with ExitStack() as stack:
        onlookers = [Painter(folder), *run_logs(folder, plan.config.log)]
        yield [stack.enter_context(closing(onlooker)) for onlooker in onlookers]


def predict_best(
    session: Session, slots: Slots, trained: Trained, onlookers: Sequence[Onlooker]
) -> tuple[list[str], list[str]]:
    """Predict the eval images with the best trials; return these, and those that it went well for.

    No more time is taken than is left.
    """
    plan, folder, progress = session.plan, session.folder, trained.progress
    keep_best_weights(folder, progress, plan.config.search.keep)
    best = best_trials(progress, folder, plan.config.search.keep)
    end = session.end and session.end.at - CLOSING_SECONDS
    where = Predicting(slots, bool(plan.config.cluster.address), end, trained.avoid)
    predicted = predict_all(folder, best, where)
    for onlooker in onlookers:
        onlooker.finish(predicted, end)
    return best, predicted


def train_final(session: Session, trial: str, avoid: frozenset[str]) -> None:
    """Train the best trial's settings on k folds, in an experiment of its own, and predict.

    ``avoid`` are machines that could not train.
    """
    plan, folder = final_experiment(session, trial)
    slots = share_out(plan.config.cluster, 1, resources_there(avoid) or resources_there())
    plan = replace(plan, base=suited(plan.base, slots))
    print(f"\n{trial} on {plan.base.cv.folds} folds: {folder.path}")
    with folder.searched(), onlooking(plan, folder) as onlookers:
        journal = Journal(folder.journal)
        events, _ = journal.take_up()
        on_folds = replace(session, plan=plan, folder=folder, journal=journal, events=events)
        trained = run_trials(on_folds, slots, onlookers)
        best = predict_best(on_folds, slots, trained, onlookers)[0] if trained.is_over else []
    if not best:
        print(f"{trial} was not trained on the folds", file=sys.stderr)
        return
    print(f"  python -m analysis.ensemble --trials {best[0]}{runs_option(folder)}")


def final_experiment(session: Session, trial: str) -> tuple[Plan, ExperimentFolder]:
    """Return the plan of one trial, and the experiment that it is written down in."""
    stored = session.folder.trial(trial).read().record
    base = final_base(session.plan, stored.config)
    question = f"How good is {session.folder.name}/{trial} on {base.cv.folds} folds?"
    tree = session.plan.config.model_dump()
    tree["search"].update(trials=1, history=("none",), final_folds=0)
    tree["scheduler"]["name"] = "fifo"
    config = SearchConfig.model_validate({name: tree[name] for name in SearchConfig.model_fields})
    plan = replace(
        session.plan, config=config, base=base, space=Space(question, {}), points=({},), notes=()
    )
    runs, name = session.folder.path.parent, f"{session.folder.name}-final"
    begun = ExperimentFolder(runs / name)
    if begun.journal.exists() and begun.read_record().question == question:
        return plan, begun  # the driver died while it was trained
    folder = create_experiment(runs, name)
    settings = {**config.model_dump(mode="json"), **base.model_dump(mode="json")}
    seen = [load_data(own.data) for own in base.member_configs().values()]
    start_experiment(folder, Asked(question, plan.command, plan.words, settings, {}), seen)
    return plan, folder
