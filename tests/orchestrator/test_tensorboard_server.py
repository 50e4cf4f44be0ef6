"""A real TensorBoard, and a real browser, show every trial from its first epoch on."""

import pytest
from browsing import visible_text, within
from servers import running_server

from orchestrator.tensorboard import TensorBoardLog
from search_spaces.language import Space, choice, integers, log_uniform, uniform, when
from trainable.config import TrialConfig
from trainable.metric_names import METRICS
from trainable.records import EpochRecord

SPACE = Space(
    "Does it work?",
    {
        "loss.name": choice("cross_entropy", "focal"),
        "loss.gamma": when("loss.name", {"focal": uniform(0.5, 4.0)}),
        "optim.lr": log_uniform(1e-4, 1e-2),
        "predict.flip": choice(True, False),
        "train.batch_size": integers(16, 64),
    },
)
FOCAL = {
    "loss.name": "focal",
    "loss.gamma": 3.5,
    "optim.lr": 0.003,
    "predict.flip": True,
    "train.batch_size": 48,
}
PLAIN = {
    "loss.name": "cross_entropy",
    "optim.lr": 0.001,
    "predict.flip": False,
    "train.batch_size": 16,
}


def epoch(number, score):
    return EpochRecord(
        epoch=number,
        metrics=dict.fromkeys(METRICS, score),
        train_loss=1.0 / number,
        lr=0.001,
        seconds={"data": 1.0, "step": 2.5},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tensorboard")


@pytest.fixture(scope="module")
def log(folder):
    """The log of a running search: two trials have finished their first epoch."""
    log = TensorBoardLog(folder, SPACE, TrialConfig())
    for trial, values, score in [("focal", FOCAL, 0.61), ("plain", PLAIN, 0.52)]:
        log.trial_started(trial, values)
        log.epoch_finished(trial, epoch(1, score))
    return log


@pytest.fixture(scope="module")
def server(log, folder):
    with running_server(folder) as server:
        yield server


def test_a_column_has_the_type_and_the_domain_of_its_parameter(server):
    columns = {info["name"]: info for info in server.ask("experiment")["hparamInfos"]}
    assert list(columns) == sorted(SPACE.parameters)
    assert columns["loss.name"]["type"] == "DATA_TYPE_STRING"
    assert columns["loss.name"]["domainDiscrete"] == ["cross_entropy", "focal"]
    assert columns["predict.flip"]["type"] == "DATA_TYPE_BOOL"
    assert columns["optim.lr"]["type"] == "DATA_TYPE_FLOAT64"
    assert columns["optim.lr"]["domainInterval"] == {"minValue": 1e-4, "maxValue": 1e-2}
    assert columns["train.batch_size"]["domainInterval"] == {"minValue": 16, "maxValue": 64}


def test_a_running_trial_shows_every_value_after_its_first_epoch(server):
    assert server.row("focal")["hparams"] == FOCAL
    assert server.row("plain")["hparams"] == {**PLAIN, "loss.gamma": TrialConfig().loss.gamma}


def test_a_running_trial_shows_every_metric_after_its_first_epoch(server):
    shown = server.metrics("focal")
    assert set(shown) == {f"best/{name}" for name in METRICS} | {"best/epoch"}
    assert shown["best/macro_f1"] == (1, pytest.approx(0.61))
    assert server.status("focal") == "STATUS_UNKNOWN"


def test_the_table_shows_the_best_epoch_and_not_the_last(server, log):
    log.trial_started("worse", FOCAL)
    log.epoch_finished("worse", epoch(1, 0.4))
    log.epoch_finished("worse", epoch(2, 0.7))
    log.epoch_finished("worse", epoch(3, 0.3))
    within(20, lambda: server.metrics("worse")["best/epoch"] == (3, 2))
    assert server.metrics("worse")["best/age_accuracy"] == (3, pytest.approx(0.7))


@pytest.mark.parametrize(
    ("status", "shown"), [("stopped", "SUCCESS"), ("completed", "SUCCESS"), ("failed", "FAILURE")]
)
def test_a_trial_that_ran_in_view_ends_in_success_or_failure(server, log, status, shown):
    log.trial_started(status, PLAIN)
    log.epoch_finished(status, epoch(1, 0.5))
    assert server.status(status) == "STATUS_UNKNOWN"
    log.trial_finished(status, status)
    within(20, lambda: server.status(status) == f"STATUS_{shown}")


def test_a_trial_that_another_driver_goes_on_with_stays_one_trial(server, log, folder):
    log.trial_started("resumed", FOCAL)
    log.epoch_finished("resumed", epoch(1, 0.8))
    second_driver = TensorBoardLog(folder, SPACE, TrialConfig())
    second_driver.trial_started("resumed", FOCAL, [epoch(1, 0.8)])
    second_driver.epoch_finished("resumed", epoch(2, 0.2))
    within(20, lambda: server.metrics("resumed")["best/macro_f1"] == (2, pytest.approx(0.8)))
    assert len(server.row("resumed")["sessions"]) == 1


def test_the_hparams_page_shows_trials_and_their_best_scores(server, browser):
    browser.get(f"{server.address}/#hparams")
    wanted = {"focal", "plain", "macro_f1 (best epoch)", "0.61000", "0.52000", "0.0030000"}
    within(40, lambda: wanted <= visible_text(browser))
