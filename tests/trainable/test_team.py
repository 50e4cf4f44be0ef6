"""Two processes that share every batch train what one would train alone."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest
import torch

from trainable.config import TrialConfig
from trainable.fitting import Fit
from trainable.fold_fit import DivergedError
from trainable.records import EpochRecord
from trainable.settings import Value
from trainable.team import Seat, first_ones, host_team, join_team, leave_team

HOST = "127.0.0.1"
EPOCHS = 2
TECHNIQUES: list[dict[str, Value]] = [
    {},
    {"optim.accumulate": 3, "machine.micro_batches": 2},
    {"optim.sam_rho": 0.05, "optim.ema_decay": 0.9},
    {"optim.freeze_epochs": 1, "optim.clip_norm": 0.1},
    {"model.heads": "multi", "loss.weighting": "uncertainty", "loss.class_weights": "inverse"},
    {"cv.folds": 2, "cv.fidelity": "folds", "train.batch_size": 60},
    {"machine.precision": "float16"},
]


@pytest.fixture(scope="module")
def peer() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def plain(tiny) -> TrialConfig:
    """Plain descent of a network without batch norms; the last batch has two images."""
    values = {
        "model.backbone": "test_convnext",
        "optim.name": "sgd",
        "optim.lr": 0.01,
        "augment.cutmix": 0.5,
        "train.epochs": EPOCHS,
        "train.batch_size": 31,
    }
    return tiny.with_values(values)


def follow(seat: Seat, config: TrialConfig) -> None:
    """Do in another process what the first one of a team asks for, until it asks for nothing."""
    join_team(seat)
    try:
        fit = Fit(config)
        fit.go_on_together()
        while (step := first_ones(None)) is not None:
            fit.follow(step)
    finally:
        leave_team()


def start_together(peer: ProcessPoolExecutor, config: TrialConfig) -> Future[None]:
    store = host_team(HOST, 2)
    following = peer.submit(follow, Seat(1, 2, HOST, store.port, HOST), config)
    join_team(Seat(0, 2, HOST, store.port, HOST), store)
    return following


def trained_together(peer: ProcessPoolExecutor, fit: Fit, steps: int) -> list[EpochRecord]:
    following = start_together(peer, fit.config)
    try:
        fit.go_on_together()
        epochs: list[EpochRecord] = []
        for _ in range(steps):
            first_ones(fit.epoch)
            epochs.append(fit.step())
        first_ones(None)
        following.result(60)
        return epochs
    finally:
        leave_team()


def trained_alone(config: TrialConfig) -> tuple[Fit, list[EpochRecord]]:
    fit = Fit(config)
    return fit, [fit.step() for _ in range(config.steps) if not fit.finished]


def assert_alike(fit: Fit, other: Fit, tolerance: float) -> None:
    weights = other.weights()
    for name, value in fit.weights().items():
        torch.testing.assert_close(value, weights[name], rtol=0, atol=tolerance)


@pytest.mark.parametrize("values", TECHNIQUES, ids=lambda values: ",".join(values) or "plain")
def test_two_processes_train_what_one_does(peer, plain, values):
    config = plain.with_values(values)
    alone, epochs = trained_alone(config)
    fit = Fit(config)
    together = trained_together(peer, fit, len(epochs))
    tolerance = 2e-3 if config.machine.precision == "float16" else 1e-5
    assert [epoch.train_loss for epoch in together] == pytest.approx(
        [epoch.train_loss for epoch in epochs], abs=tolerance
    )
    assert [epoch.score for epoch in together] == pytest.approx(
        [epoch.score for epoch in epochs], abs=0.02
    )
    assert_alike(fit, alone, tolerance)


def test_team_goes_on_where_one_process_stopped(peer, plain):
    config = plain.with_values({"optim.name": "adamw", "optim.lr": 1e-4, "optim.ema_decay": 0.9})
    alone, _ = trained_alone(config)
    stopped = Fit(config)
    stopped.step()
    fit = Fit(config)
    fit.load_state_dict(stopped.state_dict())
    trained_together(peer, fit, EPOCHS - 1)
    assert_alike(fit, alone, 1e-4)


def test_lost_loss_is_lost_in_all_processes_at_once(peer, plain):
    config = plain.with_values({"optim.lr": 1e30})
    fit = Fit(config)
    following = start_together(peer, config)
    fit.go_on_together()
    first_ones(0)
    with pytest.raises(DivergedError) as own:
        fit.step()
    with pytest.raises(DivergedError, match=str(own.value).split("(")[0]):
        following.result(60)
    leave_team()


def test_address_on_no_interface_is_named():
    nowhere = "192.0.2.1"  # kept for documents
    with pytest.raises(RuntimeError, match=f"no network interface .* has {nowhere}"):
        join_team(Seat(1, 2, HOST, 1, nowhere))
