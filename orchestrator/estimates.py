"""What is known of a search's pace before it starts, and is there time for one trial?"""

import os
import time

import torch

from orchestrator.deadline import End
from orchestrator.kind import kind_of
from orchestrator.pace import Pace, pace_of_earlier
from orchestrator.plan import Plan
from orchestrator.slots import Slots, share_out
from orchestrator.timetable import EvalWork, OneTrial, eval_seconds, refuse_too_short
from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.device import spare_cores
from trainable.probe import probe
from trainable.recorded import machine_record
from trainable.settings import UserError
from trainable.store import ExperimentFolder

OPENING_SECONDS = 10.0
"""What starting Ray and the first trial's process takes, about."""
CLOSING_SECONDS = 8.0
"""What ending Ray's processes and this one takes: 6 and 10 s measured on two cores busy with five
times as much."""


def estimated_pace(
    plan: Plan, folder: ExperimentFolder, end: End | None, *, is_resumed: bool = False
) -> Pace:
    """Return the pace of earlier trials here, or where there is a deadline that of a probe.

    UserError where the time does not suffice for one trial; of a resumed search less may be left.
    Of a cluster that is joined nothing is known beforehand.
    """
    if plan.config.cluster.address:
        return Pace()
    data = load_data(plan.base.data)
    slots = slots_of_this_machine(plan)
    own_threads = {"machine.threads": plan.base.machine.threads or max(1, int(slots.cpus))}
    config = suited(plan.base, slots).with_values(own_threads)
    threads = torch.get_num_threads()
    machine = machine_record(config)  # as a trial is recorded, with its number of threads
    torch.set_num_threads(threads)
    pace = pace_of_earlier(folder.path.parent, machine, data.fingerprint)
    if end is None:
        return pace
    kind = kind_of(config)
    if pace.step_seconds(kind) is None:
        found = probe(config)
        pace.seed(kind, found.step_seconds, found.start_seconds, found.validation_seconds_per_image)
    if not is_resumed:
        refuse_too_short(end, time.time(), _one_trial(config, pace, data))
    return pace


def slots_of_this_machine(plan: Plan) -> Slots:
    """Return what a trial will have here, as Ray will find it."""
    node = {"CPU": float(os.cpu_count() or 1), "GPU": float(torch.cuda.device_count())}
    return share_out(plan.config.cluster, plan.config.search.trials, [node])


def suited(base: TrialConfig, slots: Slots) -> TrialConfig:
    """Return the trials' base as the slots allow: on which device, with how many loaders.

    Ray does not hide GPUs from trials that asked for none, so these are told to use the CPU.
    """
    if slots.gpus == 0:
        if base.machine.device == "cuda":
            raise UserError("machine.device=cuda, but the trials have no GPU: use cpu or auto")
        return base.with_values({"machine.device": "cpu"})
    if base.machine.loaders is not None:
        return base
    at_once = 1 if base.cv.fidelity == "folds" else base.cv.folds
    networks = at_once * len(base.member_configs())
    cores = int(slots.cpus / slots.processes)
    return base.with_values({"machine.loaders": spare_cores(cores, networks)})


def _one_trial(config: TrialConfig, pace: Pace, data: FaceData) -> OneTrial:
    start = pace.start_seconds(kind_of(config)) or 0.0
    embedded = len(data.folds(config.cv)[0].validation)
    work = EvalWork(len(data.eval_images), config.cv.folds, trials=1, embedded=embedded)
    return OneTrial(
        steps=config.steps,
        step_seconds=pace.step_seconds(kind_of(config)) or 0.0,
        start_seconds=OPENING_SECONDS + start,
        reserved=eval_seconds(work, pace.seconds_per_image() or 0.0, start) + CLOSING_SECONDS,
    )
