"""One path for the CPU and for CUDA, in the precision that is asked for."""

import os

import pytest
import torch

from trainable.config import MachineConfig
from trainable.device import Device, auto_precision, loader_count, select_device
from trainable.fitting import Fit
from trainable.settings import UserError

without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")


@without_cuda
def test_cuda_that_is_not_there_is_a_mistake_of_the_user():
    with pytest.raises(UserError, match=r"machine.device=cuda, but torch finds no CUDA device"):
        select_device(MachineConfig(device="cuda"))


@without_cuda
def test_auto_is_full_precision_on_the_cpu():
    assert select_device(MachineConfig()) == Device("cpu", "float32")


def test_precision_that_is_asked_for_is_taken():
    assert select_device(MachineConfig(device="cpu", precision="bfloat16")).precision == "bfloat16"


def test_float16_and_sharpness_aware_steps_are_one_too_many():
    half = MachineConfig(device="cpu", precision="float16")
    with pytest.raises(UserError, match=r"machine.precision=float16 .* optim.sam_rho=0.05"):
        select_device(half, sam_rho=0.05)
    assert select_device(half).precision == "float16"


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_sharpness_aware_steps_leave_other_precisions_alone(precision):
    config = MachineConfig(device="cpu", precision=precision)
    assert select_device(config, sam_rho=0.05) == Device("cpu", precision)


@pytest.mark.parametrize(
    ("has_bfloat16", "sam_rho", "precision"),
    [
        (True, 0, "bfloat16"),
        (True, 0.05, "bfloat16"),
        (False, 0, "float16"),
        (False, 0.05, "float32"),
    ],
)
def test_auto_on_cuda_is_no_float16_with_sharpness_aware_steps(
    monkeypatch, has_bfloat16, sam_rho, precision
):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bfloat16)
    assert auto_precision("cuda", sam_rho) == precision


def test_autocast_multiplies_in_the_device_s_precision():
    matrix = torch.ones(2, 2)
    for precision in ("float32", "bfloat16"):
        with Device("cpu", precision).autocast():
            assert (matrix @ matrix).dtype == getattr(torch, precision)


def test_threads_of_the_network_are_set(monkeypatch):
    before = torch.get_num_threads()
    try:
        select_device(MachineConfig(device="cpu", threads=2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_losses_are_scaled_in_float16_alone():
    assert Device("cpu", "float16").gradient_scaler().is_enabled()
    assert not Device("cpu", "bfloat16").gradient_scaler().is_enabled()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains_an_epoch_on_the_cpu(tiny, precision):
    large = tiny.with_values({"train.batch_size": 64})
    exact, mixed = (
        Fit(large.with_values({"machine.precision": name})).step()
        for name in ("float32", precision)
    )
    assert mixed.train_loss == pytest.approx(exact.train_loss, rel=0.2)
    assert mixed.train_loss != exact.train_loss


def test_no_process_augments_ahead_where_no_gpu_would_wait():
    assert loader_count(MachineConfig(), networks=1) == 0
    assert loader_count(MachineConfig(loaders=3), networks=5) == 3


def test_cores_are_shared_out_among_the_networks_of_a_trial_on_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert loader_count(MachineConfig(), networks=5) == 2
    assert loader_count(MachineConfig(device="cpu"), networks=5) == 0
