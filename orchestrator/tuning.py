"""How are the trials of a plan run? All parts of a search are put together here."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from ray import tune

from orchestrator.asked import Take, Taken
from orchestrator.beside import Onlooker
from orchestrator.deadline import End
from orchestrator.decisions import Search
from orchestrator.elastic import Elastic
from orchestrator.estimates import CLOSING_SECONDS
from orchestrator.journal import Event, Journal
from orchestrator.leg_run import LegRun, run_legs
from orchestrator.live import LiveTable
from orchestrator.pace import Pace
from orchestrator.plan import Plan
from orchestrator.predicting import Predicting
from orchestrator.progress import SearchGoal, SearchProgress
from orchestrator.proposals import Listed, Proposals, Sampled, samplers
from orchestrator.reuse import FinishedTrials, take
from orchestrator.rules import Rule, make_rule
from orchestrator.slots import Slots
from orchestrator.states import Ask
from orchestrator.timekeeper import Timekeeper, Work
from orchestrator.timetable import EvalWork
from orchestrator.watch import SearchWatch, stored_progress
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.experiment import versions
from trainable.leg_keys import BASE, EXPECTED, EXPERIMENT
from trainable.node_check import expected_of
from trainable.ray_trial import RayTrial
from trainable.recipes.recipe import Settings
from trainable.records import EpochRecord, FirstTrial, rank
from trainable.store import ExperimentFolder, experiment_of

WHOLE = 3
"""Trials that are trained to their end in any case: an ensemble takes the best three."""


@dataclass(frozen=True)
class Session:
    """What one driver runs: a plan, where, until when, and what is known before it starts.

    ``journal`` is where its decisions are written, ``events`` those of earlier drivers, ``pace``
    what trials are expected to take.
    """

    plan: Plan
    folder: ExperimentFolder
    end: End | None
    pace: Pace
    journal: Journal
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Trained:
    """What became of the trials: how far they are, and whether nothing is left to do.

    ``avoid`` are machines that could not train.
    """

    progress: SearchProgress
    is_over: bool
    avoid: frozenset[str]


def run_trials(
    session: Session,
    slots: Slots,
    onlookers: Sequence[Onlooker],
    trainable: type[tune.Trainable] = RayTrial,
) -> Trained:
    """Run all trials on Ray; ``onlookers`` make something of those that end."""
    plan, folder = session.plan, session.folder
    timekeeper = make_timekeeper(session, slots)
    with LiveTable() as live, closing(SearchWatch(plan, folder, timekeeper, live)) as watch:
        watch.onlookers = onlookers
        search = make_search(session, slots, watch, timekeeper)
        search.replay(session.events)
        watch.begin(
            stored_progress(_goal(session), search.trials, folder),
            lambda: timekeeper.seconds_left(search, search.slots),
        )
        search.settle()
        elastic = Elastic(
            plan.config.cluster, slots, search, say=watch.say, write=session.journal.append
        )
        run = LegRun(leg_settings(session), search, elastic, watch, timekeeper.is_over, trainable)
        is_over = run_legs(run, partial(failure_of, folder)) or timekeeper.is_over()
        if is_over:
            search.close()
        watch.tick()
    return Trained(watch.progress, is_over, elastic.avoided)


def make_search(
    session: Session, slots: Slots, watch: SearchWatch, timekeeper: Timekeeper
) -> Search:
    """Return the search of a plan, before anything has happened."""
    plan, folder = session.plan, session.folder
    rule = make_rule(plan.config.scheduler, plan.base)
    return Search(
        Ask(plan.config.search.trials, slots.count, partial(_steps, plan.base), WHOLE),
        make_proposals(plan, rule, first=folder.read_record().first),
        rule,
        write=session.journal.append,
        time=timekeeper,
        watch=watch,
        taken=make_taker(plan, folder, watch),
    )


def make_timekeeper(session: Session, slots: Slots) -> Timekeeper:
    """Return who knows what fits before the deadline."""
    base, asked = session.plan.base, session.plan.config.search
    data = load_data(base.data)
    predicted = [len(fold.validation) for fold in data.folds(base.cv)]
    after = EvalWork(
        len(data.eval_images), base.cv.folds, asked.keep, slots.count, embedded=predicted[0]
    )
    rounds = base.cv.folds if base.cv.fidelity == "folds" else 1
    final = final_base(session.plan, base) if asked.final_folds else None
    where = Predicting(slots, bool(session.plan.config.cluster.address))
    work = Work(sum(predicted) // rounds, after, CLOSING_SECONDS, final, not where.is_here)
    return Timekeeper(base, work, session.end and session.end.at, session.pace)


def final_base(plan: Plan, config: TrialConfig) -> TrialConfig:
    """Return a trial's settings on the folds of the final training."""
    folds = {"cv.folds": plan.config.search.final_folds, "cv.fidelity": "epochs"}
    return config.with_values(folds)


def make_taker(plan: Plan, folder: ExperimentFolder, watch: SearchWatch) -> Take:
    """Return what gives a trial the result of an equal one of the same runs folder.

    That may be one of this very search, once it has completed.
    """
    fingerprint = folder.read_record().data_fingerprint
    finished = FinishedTrials.index(folder.path.parent, fingerprint, versions())
    watch.when_completed = lambda name: finished.add(folder.trial(name))

    def taken(trial: str, values: Settings) -> Taken | None:
        config = plan.base.with_values(values)
        into = folder.trial(trial)
        found = finished.find(config, apart_from=into)
        if found is None:
            return None
        take(found, into, config, values)
        epochs = into.read_epochs()
        watch.taken(trial, values, epochs)
        return Taken(scores_so_far(epochs), f"{experiment_of(found).name}/{found.name}")

    return taken


def scores_so_far(epochs: Sequence[EpochRecord]) -> list[tuple[int, float]]:
    """Return the best score up to each epoch, by its step."""
    best = accumulate(epochs, lambda before, epoch: max(before, epoch, key=rank))
    return [(epoch.epoch, so_far.score) for epoch, so_far in zip(epochs, best, strict=True)]


def make_proposals(plan: Plan, rule: Rule, first: Sequence[FirstTrial] = ()) -> Proposals:
    """Return where a plan's configurations come from: its list, or the first ones and a sampler."""
    if plan.points:
        return Listed(plan.points)
    search = plan.config.search
    draw = partial(plan.space.suggest, base=plan.base)
    rungs = (*rule.levels, plan.base.steps) if rule.levels else ()
    return Sampled(draw, samplers(search.sampler, search.seed, rungs), first)


def failure_of(folder: ExperimentFolder, trial: str) -> str:
    """Return why a trial's process failed, as far as it could tell."""
    kept = folder.trial(trial).read_outcome()
    return kept.reason or "its process ended without a word (killed?)"


def _steps(base: TrialConfig, values: Settings) -> int:
    return base.with_values(values).steps


def _goal(session: Session) -> SearchGoal:
    return SearchGoal(
        experiment=session.folder.name,
        trials=session.plan.config.search.trials,
        epochs=session.plan.base.steps,
        started=time.time(),
        deadline=session.end and session.end.at,
    )


def leg_settings(session: Session) -> dict[str, Any]:
    """Return what all legs of a search are told.

    As text: of what has parts Tune copies each part for each trial, and again for each result.
    """
    folder, base = session.folder, session.plan.base
    return {
        BASE: base.model_dump_json(),
        EXPERIMENT: str(folder.path.resolve()),
        EXPECTED: json.dumps(asdict(expected_of(folder, base))),
    }
