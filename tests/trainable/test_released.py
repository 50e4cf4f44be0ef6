"""What a trial held is free when it is gone, also when it ran out of memory."""

import gc
import json
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import get_context

import numpy as np
import psutil
import pytest
import torch

from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.device import is_out_of_memory, release_memory
from trainable.experiment import Asked, start_experiment
from trainable.fitting import Fit
from trainable.node_check import expected_of
from trainable.ray_trial import (
    BASE,
    EXPECTED,
    EXPERIMENT,
    FAILURE,
    KNOWN,
    OUT_OF_MEMORY,
    RELIEF,
    STEP,
    TRIAL,
    RayTrial,
)
from trainable.settings import Value
from trainable.store import ExperimentFolder

MEGABYTE = 1024**2
PARTS = 16
SMALL: dict[str, Value] = {"data.image_height": 32, "data.image_width": 32}
DIFFERENT: dict[str, dict[str, Value]] = {
    "plain": {},
    "average": {"optim.ema_decay": 0.9, "optim.sam_rho": 0.05, "model.backbone": "resnet10t"},
    "folds": {"cv.folds": 2, "cv.fidelity": "folds", "optim.freeze_epochs": 0},
    "heads": {"model.heads": "multi", "loss.weighting": "uncertainty", "optim.accumulate": 2},
    "ahead": {"machine.loaders": 1, "machine.precision": "bfloat16"},
    "lost": {"optim.lr": 1e30},
}
"""Trial -> what differs from the others'."""


@contextmanager
def at_most_more(megabytes: int) -> Iterator[None]:
    """Let the system refuse this process more than so much memory on top of what it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (now + megabytes * MEGABYTE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def live_tensors() -> int:
    release_memory()
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


@pytest.fixture(scope="module")
def large(tiny) -> TrialConfig:
    """Batches whose activations take some hundred megabytes; a first step has made its caches."""
    values = {
        "data.image_height": 128,
        "data.image_width": 128,
        "train.batch_size": 96,
        "train.epochs": 1,
    }
    config = tiny.with_values(values)
    take_a_step(config)
    return config


def take_a_step(config: TrialConfig) -> None:
    Fit(config).step()


@pytest.fixture(scope="module")
def alone(large) -> Iterator[Callable[..., None]]:
    """Calls a function in a process that has taken a step and nothing else.

    What other tests have freed is memory that this process would not need to ask for.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(take_a_step, large).result()
        yield lambda function, *given: pool.submit(function, *given).result()


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("can't allocate memory"), False),
    ],
)
def test_errors_of_no_memory_are_told_from_others(error, is_so):
    assert is_out_of_memory(error) is is_so


@pytest.mark.parametrize("allocate", [torch.empty, np.empty])
def test_an_allocation_that_is_refused_is_out_of_memory(allocate):
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        allocate(2**55)
    assert is_out_of_memory(caught.value)


def test_step_that_ran_out_of_memory_leaves_nothing(large, alone):
    alone(run_out_in_a_step, large)


def run_out_in_a_step(large: TrialConfig) -> None:
    before = live_tensors()
    fit = Fit(large)
    assert live_tensors() > before
    with at_most_more(40):
        try:
            fit.step()
        except RuntimeError as error:
            was_out_of_memory = is_out_of_memory(error)
    assert was_out_of_memory
    del fit
    assert live_tensors() == before


def test_network_that_does_not_fit_leaves_nothing(large, alone):
    alone(run_out_in_building, large)


def run_out_in_building(large: TrialConfig) -> None:
    before = live_tensors()
    with at_most_more(50):
        try:
            Fit(large.with_values({"model.backbone": "vgg11"}))
        except RuntimeError as error:
            was_out_of_memory = is_out_of_memory(error)
    assert was_out_of_memory
    assert live_tensors() == before


def test_parts_fit_where_whole_batches_do_not(large, alone):
    alone(train_in_parts, large)


def train_in_parts(large: TrialConfig) -> None:
    in_parts = large.with_values({"machine.micro_batches": PARTS})
    Fit(in_parts).step()  # makes caches
    fit = Fit(in_parts)
    with at_most_more(40):
        fit.step()
    assert fit.epoch == 1


@pytest.fixture
def legs(large, tmp_path):
    """Returns what Ray gives a process for a trial: its name and its own values."""
    folder = ExperimentFolder(tmp_path / "experiment")
    folder.path.mkdir()
    start_experiment(folder, Asked("", "", [], {}, {}), [load_data(large.data)])
    shared = {
        BASE: large.model_dump_json(),
        EXPERIMENT: str(folder.path),
        EXPECTED: json.dumps(asdict(expected_of(folder, large))),
    }

    def leg(trial: str, values: dict[str, Value], relief: int = 0):
        return {**shared, **values, TRIAL: trial, KNOWN: 0, RELIEF: relief}

    return leg


def test_process_holds_nothing_of_the_trials_before(legs):
    before = live_tensors()
    process = RayTrial(legs("first", {}))
    for name, values in DIFFERENT.items():
        process.reset_config(legs(name, SMALL | values))
        result = process.train()
        assert result[STEP] or result[FAILURE]
        process.reset_config(legs("next", {}))
        assert live_tensors() == before


def test_process_holds_nothing_of_a_trial_that_ran_out_of_memory(legs, alone):
    alone(run_out_in_a_leg, legs("trial-001", {}), legs("trial-001", SMALL))


def run_out_in_a_leg(large: dict[str, object], small: dict[str, object]) -> None:
    before = live_tensors()
    process = RayTrial(large)
    with at_most_more(40):
        assert process.train()[OUT_OF_MEMORY]
    assert live_tensors() == before
    process.reset_config(small)
    assert process.train()[STEP] == 1
