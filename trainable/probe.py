"""How long will a trial take here, and how much memory? Measured on a few of its batches."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.device import loader_count, peak_memory, release_memory, select_device
from trainable.fold_fit import FoldFit
from trainable.folds import Fold

TIMED_SECONDS = 1.0
"""How long each network's batches are timed."""
FEWEST, MOST = 2, 20
"""Batches that are timed."""
HARMLESS_LR = 1e-9
"""A rate with which no loss is lost; how long a step takes does not depend on it."""


@dataclass(frozen=True)
class Probe:
    """Seconds of a trial's step, of its start, and of predicting one image; bytes of memory.

    A step is an epoch of all folds that advance together; an image is predicted by one fold's
    network of each member, as in validation. ``memory_bytes`` are what a process that trains all
    its networks takes of its GPU, or without one at all; they are exact in a process that did
    nothing else.
    """

    step_seconds: float
    start_seconds: float
    validation_seconds_per_image: float
    memory_bytes: int


@dataclass(frozen=True)
class _Measured:
    """What one of a trial's networks takes, with those of the other folds that advance with it.

    ``memory_bytes`` are those of a process that trains it alone, of which ``held_bytes`` stay while
    others train.
    """

    step_seconds: float
    start_seconds: float
    validation_seconds_per_image: float
    memory_bytes: int
    held_bytes: int
    count: int


def probe(config: TrialConfig) -> Probe:
    """Train and predict a few batches as the trial would, and reckon from them to all of it.

    A fold of each network stands for the others, and an epoch in which the backbone learns for
    those in which it is frozen. The process keeps as many threads as it had.
    """
    threads = torch.get_num_threads()
    try:
        members = config.with_values({"optim.lr": HARMLESS_LR}).member_configs()
        return _sum([_probe_network(own, len(members)) for own in members.values()])
    finally:
        torch.set_num_threads(threads)
        release_memory()


def _sum(networks: Sequence[_Measured]) -> Probe:
    return Probe(
        step_seconds=sum(one.step_seconds for one in networks),
        start_seconds=sum(one.start_seconds for one in networks),
        validation_seconds_per_image=sum(one.validation_seconds_per_image for one in networks),
        memory_bytes=max(one.memory_bytes - one.held_bytes for one in networks)
        + sum(one.count * one.held_bytes for one in networks),
    )


def _probe_network(config: TrialConfig, members: int) -> _Measured:
    release_memory()  # another member's
    started = time.perf_counter()
    data = load_data(config.data)
    folds = data.folds(config.cv)
    at_once = folds[:1] if config.cv.fidelity == "folds" else folds
    prepared = time.perf_counter()
    loaders = {"machine.loaders": loader_count(config.machine, members * len(at_once))}
    fit = FoldFit(config.with_values(loaders), data, folds[0], 0)
    built = time.perf_counter() - prepared
    training = len(at_once) * fit.batch_count * _batch_seconds(fit, config)
    per_image = _seconds_per_image(fit, config, data, folds[0])
    validated = sum(len(fold.validation) for fold in at_once)
    return _Measured(
        step_seconds=training + validated * per_image,
        start_seconds=prepared - started + len(at_once) * built,
        validation_seconds_per_image=per_image,
        memory_bytes=peak_memory(),
        held_bytes=fit.held_bytes,
        count=len(at_once),
    )


def _batch_seconds(fit: FoldFit, config: TrialConfig) -> float:
    def train(batches: int) -> None:
        fit.train_epoch(config.optim.freeze_epochs, at_most=batches)

    return _seconds_each(train, fit.batch_count)


def _seconds_per_image(fit: FoldFit, config: TrialConfig, data: FaceData, fold: Fold) -> float:
    size = select_device(config.machine, sam_rho=config.optim.sam_rho).predicted_at_once
    rows = np.resize(fold.validation, size)

    def predict(batches: int) -> None:
        for _ in range(batches):
            fit.predict(data.cache.pixels, rows)

    return _seconds_each(predict, MOST) / size


def _seconds_each(work: Callable[[int], None], available: int) -> float:
    """Return the seconds of one of ``work``'s parts, when it is warm."""
    work(1)
    first = _seconds_of(work, 1)
    parts = min(available, MOST, max(FEWEST, math.ceil(TIMED_SECONDS / first)))
    return _seconds_of(work, parts) / parts


def _seconds_of(work: Callable[[int], None], parts: int) -> float:
    started = time.perf_counter()
    work(parts)
    return time.perf_counter() - started
