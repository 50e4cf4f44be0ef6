"""What a trial held is free when it is gone, also when it ran out of memory."""

import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
import torch

from trainable.config import TrialConfig
from trainable.device import is_out_of_memory, release_memory
from trainable.fitting import Fit

MEGABYTE = 1024**2
PARTS = 16


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
    for parts in (1, PARTS):
        Fit(config.with_values({"machine.micro_batches": parts})).step()
    return config


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


def test_step_that_ran_out_of_memory_leaves_nothing(large):
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


def test_network_that_does_not_fit_leaves_nothing(large):
    before = live_tensors()
    with at_most_more(50):
        try:
            Fit(large.with_values({"model.backbone": "vgg11"}))
        except RuntimeError as error:
            was_out_of_memory = is_out_of_memory(error)
    assert was_out_of_memory
    assert live_tensors() == before


def test_parts_fit_where_whole_batches_do_not(large):
    fit = Fit(large.with_values({"machine.micro_batches": PARTS}))
    with at_most_more(40):
        fit.step()
    assert fit.epoch == 1
