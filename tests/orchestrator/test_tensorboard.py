"""What is logged is what happened, and neither a pause, a restart nor a full disk spoils it."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG

from orchestrator import tensorboard
from orchestrator.tensorboard import SECONDS_UNSEEN, TensorBoardLog
from search_spaces.language import Space, log_uniform
from trainable.config import TrialConfig
from trainable.locations import location
from trainable.metric_names import METRICS
from trainable.records import EpochRecord
from trainable.storage_errors import StorageError

SPACE = Space("Does it work?", {"optim.lr": log_uniform(1e-4, 1e-2)})
VALUES = {"optim.lr": 0.003}


def epoch(number, score, folds=1):
    return EpochRecord(
        epoch=number,
        folds=folds,
        metrics=dict.fromkeys(METRICS, score),
        train_loss=1.0 / number,
        lr=0.001,
        seconds={"data": 1.0, "step": 2.5},
    )


@pytest.fixture
def log(tmp_path):
    return TensorBoardLog(tmp_path, SPACE, TrialConfig())


def read(folder):
    return EventAccumulator(str(folder)).Reload()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_every_number_of_an_epoch_is_a_curve(log, tmp_path):
    log.trial_started("a", VALUES)
    for number in (1, 2):
        log.epoch_finished("a", epoch(number, 0.5))
    logged = read(tmp_path / "a")
    curves = {tag for tag in logged.Tags()["scalars"] if not tag.startswith("best/")}
    assert curves == {
        *(f"validation/{name}" for name in METRICS),
        *("train/loss", "train/lr", "seconds/epoch", "seconds/data", "seconds/step"),
    }
    assert [(e.step, e.value) for e in logged.Scalars("train/loss")] == [(1, 1.0), (2, 0.5)]
    assert logged.Scalars("seconds/epoch")[0].value == 3.5


def test_a_score_over_more_folds_becomes_the_best_although_it_is_lower(log, tmp_path):
    log.trial_started("a", VALUES)
    for one in (epoch(1, 0.6), epoch(2, 0.55, folds=3), epoch(3, 0.58)):
        log.epoch_finished("a", one)
    best = read(tmp_path / "a").Scalars("best/epoch")
    assert [event.value for event in best] == [1, 2, 2]


def test_best_epoch_of_an_earlier_driver_is_the_one_over_the_most_folds(log, tmp_path):
    log.trial_started("a", VALUES, [epoch(1, 0.6), epoch(2, 0.55, folds=3)])
    log.epoch_finished("a", epoch(3, 0.58))
    assert [event.value for event in read(tmp_path / "a").Scalars("best/epoch")] == [2]


def test_a_trial_that_goes_on_after_a_pause_keeps_its_file(log, tmp_path):
    log.trial_started("a", VALUES)
    log.trial_started("a", VALUES)
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_a_failed_trial_that_starts_again_is_no_longer_failed(log, tmp_path):
    log.trial_started("a", VALUES)
    log.trial_finished("a", "failed")
    assert SESSION_END_INFO_TAG in read(tmp_path / "a").Tags()["tensors"]
    log.trial_started("a", VALUES)
    assert SESSION_END_INFO_TAG not in read(tmp_path / "a").Tags()["tensors"]


def test_a_trial_paused_before_a_restart_may_end_without_starting_again(log, tmp_path):
    log.trial_started("a", VALUES)
    TensorBoardLog(tmp_path, SPACE, TrialConfig()).trial_finished("a", "stopped")
    assert SESSION_END_INFO_TAG in read(tmp_path / "a").Tags()["tensors"]


def test_a_thousand_running_trials_hold_no_file_and_no_thread(log, tmp_path):
    files, threads = open_files(), threading.active_count()
    for number in range(1000):
        log.trial_started(f"trial_{number}", VALUES)
    # Other tests' files may be closed meanwhile; what matters is that a thousand are not opened.
    assert open_files() <= files
    assert threading.active_count() <= threads


def test_a_full_disk_is_named_and_leaves_what_was_logged(log, tmp_path, disk_full_after):
    log.trial_started("a", VALUES)
    log.epoch_finished("a", epoch(1, 0.5))
    [file] = (tmp_path / "a").iterdir()
    with disk_full_after(file.stat().st_size + 10), pytest.raises(StorageError, match=file.name):
        log.epoch_finished("a", epoch(2, 0.6))
    log.epoch_finished("a", epoch(3, 0.7))
    logged = read(tmp_path / "a")
    assert [e.step for e in logged.Scalars("validation/macro_f1")] == [1, 3]


def test_logging_needs_neither_torch_nor_ray_nor_tensorflow():
    program = (
        "import sys, orchestrator.tensorboard; "
        "print({'torch', 'ray', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_curves_come_to_a_bucket_every_half_a_minute_though_other_trials_end(clock, monkeypatch):
    put = []
    monkeypatch.setattr(tensorboard, "write_bytes", lambda file, content: put.append(file.parent))
    bucket = location("s3://a-bucket/tensorboard")
    curves = tensorboard.Curves(bucket, clock)
    curves.begin("long", b"its row")
    put.clear()
    for number in range(3):
        clock.now += SECONDS_UNSEEN / 3
        curves.begin(f"short-{number}", b"its row")
        curves.end(f"short-{number}")
        curves.add("long", b"an epoch")
    assert put.count(bucket / "long") == 1
    curves.close()
