"""A search whose results are in S3: its driver is killed, another goes on, all commands read it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from searches import Epochs, Searched, run_search, stored_epochs, wait_until
from typer.testing import CliRunner

from analysis import ensemble, labels, leaderboard, submissions
from analysis.report import __main__ as report
from orchestrator.journal import Ended, Journal, Opened, Reported
from orchestrator.plan import make_plan
from trainable import final, fit, predict
from trainable.growing import ReplacedError
from trainable.locations import location
from trainable.settings import UserError
from trainable.store import ExperimentFolder, open_experiment
from trainable.stored import read_bytes

PROJECT = Path(__file__).parents[2]
TRIALS, EPOCHS = 2, 3
OUTAGE_SECONDS = 3


@dataclass(frozen=True)
class Killed:
    """A search whose server hung for some seconds, and whose driver was then killed."""

    folder: ExperimentFolder
    before: Epochs


@pytest.fixture(scope="session")
def killed(cluster_words, s3_server) -> Killed:
    runs = f"{s3_server.new_bucket()}/results"
    words = [
        *(*cluster_words, "scheduler=fifo", f"search.trials={TRIALS}", f"train.epochs={EPOCHS}"),
        *("cluster.max_concurrent=1", "search.keep=2", "search.name=far", f"search.runs={runs}"),
    ]
    command = [sys.executable, "-m", "orchestrator.search", *words]
    folder = ExperimentFolder(location(runs) / "far")
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as driver:
        try:
            wait_until(lambda: driver.poll() is not None or bool(list(folder.trials())))
            os.kill(s3_server.process.pid, signal.SIGSTOP)
            time.sleep(OUTAGE_SECONDS)
            os.kill(s3_server.process.pid, signal.SIGCONT)
            wait_until(lambda: driver.poll() is not None or any(stored_epochs(folder).values()))
            before = stored_epochs(folder)
        finally:
            driver.kill()
    return Killed(folder, before)


@pytest.fixture(scope="session")
def resumed(killed, ray_cluster) -> Searched:
    runs = killed.folder.path.parent
    return run_search(["resume=far", f"search.runs={runs}", f"cluster.address={ray_cluster}"])


@pytest.fixture
def run(resumed):
    def run(app, *words):
        words = [*words, "--runs", str(resumed.folder.path.parent)]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_driver_that_was_killed_is_replaced(resumed):
    assert resumed.code == 0, resumed.printed
    assert [trial.outcome.status for trial in resumed.trials.values()] == ["completed"] * TRIALS
    for trial in resumed.trials.values():
        assert [epoch.epoch for epoch in trial.epochs] == list(range(1, EPOCHS + 1))


def test_no_epoch_is_lost_with_the_driver_or_the_outage(killed, resumed):
    assert any(killed.before.values())
    for name, before in killed.before.items():
        after = resumed.trials[name].epochs
        assert [epoch.metrics for epoch in after[: len(before)]] == [e.metrics for e in before]


def test_journal_is_that_of_both_drivers(resumed):
    events = Journal(resumed.folder.journal).so_far()
    assert sum(isinstance(event, Opened) for event in events) == 2
    assert sum(isinstance(event, Ended) for event in events) == TRIALS
    assert sum(isinstance(event, Reported) for event in events) == TRIALS * EPOCHS


def test_latest_is_the_search(resumed):
    assert resumed.folder.is_latest
    assert open_experiment(resumed.folder.path.parent).name == "far"


def test_tensorboard_shows_the_trials(resumed):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for name, trial in resumed.trials.items():
        events = EventAccumulator(str(resumed.folder.tensorboard / name))
        events.Reload()
        shown = {point.step: point.value for point in events.Scalars("validation/macro_f1")}
        assert shown[EPOCHS] == pytest.approx(trial.epochs[-1].score)


def test_leaderboard_ranks_the_trials(resumed, run):
    rows = json.loads(run(leaderboard.app, "--format", "json"))
    assert {row["trial"] for row in rows} == set(resumed.trials)


def test_ensemble_is_handed_in_and_recorded(resumed, run):
    run(ensemble.app, "--top", "2")
    assert read_bytes(resumed.folder.path / "submission.csv").startswith(b"ImageID,ans")
    assert "far" in run(submissions.app, "--format", "json")


def test_report_and_labels_are_written_beside_the_results(resumed, run):
    run(report.app)
    run(labels.app)
    for name in ("report.html", "labels.html"):
        assert b"</html>" in read_bytes(resumed.folder.path / name)


def test_trial_is_predicted_again(resumed):
    trial = resumed.folder.trial("trial-001")
    before = trial.read_eval()
    trial.discard_eval()
    predict.main([f"trial={trial.path}"])
    assert np.array_equal(trial.read_eval().values, before.values)


def test_trial_is_trained_on_all_persons(resumed):
    trial = resumed.folder.trial("trial-001")
    final.main([f"trial={trial.path}"])
    assert trial.has_final()
    assert not trial.final_state_file.exists()


def test_trial_is_replayed(resumed, capsys):
    runs = resumed.folder.path.parent
    assert fit.main(["replay=far/trial-001", f"search.runs={runs}", "search.name=again"]) == 0
    assert "gave the same metrics again" in capsys.readouterr().out
    assert open_experiment(runs, "again").trial("trial-001").read_epochs()


def test_driver_that_was_replaced_ends_with_its_next_decision(s3_server):
    path = location(f"{s3_server.new_bucket()}/runs/far/search.jsonl")
    first, second = Journal(path), Journal(path)
    first.take_up()
    events, _ = second.take_up()
    assert [event.event for event in events] == ["opened"]
    with pytest.raises(ReplacedError, match="another process has taken up s3://"):
        first.append(Ended(trial="trial-001", status="completed"))


def test_third_driver_reads_what_the_second_had_read_and_written_itself(s3_server):
    path = location(f"{s3_server.new_bucket()}/runs/far/search.jsonl")
    first, second, third = Journal(path), Journal(path), Journal(path)
    known, late, own = (Ended(trial=f"trial-00{i}", status="completed") for i in range(3))
    first.take_up()
    first.append(known)
    assert second.take_up()[0][1:] == [known]
    with pytest.raises(ReplacedError):
        first.append(late)
    second.append(own)
    read, _ = third.take_up()
    assert [event for event in read if isinstance(event, Ended)] == [known, own]
    assert third.so_far()[:-1] == read


@pytest.mark.parametrize("word", ["wandb", "mlflow"])
def test_logs_that_need_a_disk_are_refused(word):
    with pytest.raises(UserError, match=rf"log\.{word} writes to a local folder alone"):
        make_plan([f"log.{word}=true", "search.runs=s3://bucket/runs"])
