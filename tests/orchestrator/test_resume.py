"""A search that was interrupted keeps what it finished, and goes on to all that was asked."""

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from searches import Epochs, Searched, run_search, stored_epochs, wait_until

from orchestrator import search
from trainable.command_line import INTERRUPTED
from trainable.settings import UserError
from trainable.store import ExperimentFolder

PROJECT = Path(__file__).parents[2]
TRIALS, EPOCHS = 3, 6


@dataclass(frozen=True)
class Interrupted:
    """A search after Ctrl-C: what it said, and the epochs stored before and after."""

    folder: ExperimentFolder
    code: int
    said: str
    before: Epochs
    after: Epochs


@pytest.fixture(scope="session")
def interrupted(cluster_words, tmp_path_factory) -> Interrupted:
    runs = tmp_path_factory.mktemp("runs-of-interrupted")
    words = [
        *(*cluster_words, "scheduler=fifo", f"search.trials={TRIALS}", f"train.epochs={EPOCHS}"),
        *("cluster.max_concurrent=1", "search.keep=1"),
        *("search.name=halfway", f"search.runs={runs}"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.search", *words],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    folder = ExperimentFolder(runs / "halfway")
    try:
        wait_until(lambda: any(stored_epochs(folder).values()) or process.poll() is not None)
        before = stored_epochs(folder)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    return Interrupted(folder, process.returncode, said, before, stored_epochs(folder))


@pytest.fixture(scope="session")
def resumed(interrupted) -> Searched:
    return run_search(["resume=halfway", f"search.runs={interrupted.folder.path.parent}"])


def refusal(*words):
    with pytest.raises(UserError) as error:
        search.main(list(words))
    return str(error.value)


def test_interrupted_search_ends_as_shells_expect_and_says_how_to_go_on(interrupted):
    assert interrupted.code == INTERRUPTED
    runs = interrupted.folder.path.parent
    how = f"python -m orchestrator.search resume=halfway search.runs={runs}"
    assert how in interrupted.said
    assert "Traceback" not in interrupted.said


def test_epochs_finished_before_an_interruption_stay_readable(interrupted):
    assert any(interrupted.before.values())
    for name, epochs in interrupted.before.items():
        assert interrupted.after[name][: len(epochs)] == epochs
    assert sum(map(len, interrupted.after.values())) < TRIALS * EPOCHS


def test_resumed_search_ends_all_trials_that_were_asked(resumed):
    assert resumed.code == 0
    assert len(resumed.trials) == TRIALS
    for trial in resumed.trials.values():
        assert trial.outcome.status == "completed"
        assert [epoch.epoch for epoch in trial.epochs] == list(range(1, EPOCHS + 1))


def test_epochs_of_before_the_interruption_are_still_there_after_a_resume(interrupted, resumed):
    for name, epochs in interrupted.after.items():
        for old, new in zip(epochs, resumed.trials[name].epochs, strict=False):
            assert old.metrics == new.metrics


def test_resume_records_the_second_start_and_leaves_the_question_as_it_was(resumed):
    record = resumed.folder.read_record()
    assert len(record.started) == 2
    assert f"search.trials={TRIALS}" in record.words


def test_resumed_search_predicts_and_leaves_no_checkpoint(resumed):
    (kept,) = [trial for trial in resumed.folder.trials() if trial.has_weights()]
    assert kept.has_eval()
    assert not list(resumed.folder.path.rglob("*state*"))
    assert f"{TRIALS} completed, 0 stopped early, 0 failed" in resumed.printed


def test_resume_with_other_words_is_refused_by_name(searched):
    name, runs = searched.folder.name, searched.folder.path.parent
    told = refusal(f"resume={name}", "optim.lr=0.1", f"search.runs={runs}")
    assert f"resume={name} goes on as it was asked; leave out optim.lr=0.1" in told
    assert "search.trials" in told
    assert len(searched.folder.read_record().started) == 1


def test_resume_of_an_unknown_experiment_names_the_known_ones(searched):
    name, runs = searched.folder.name, searched.folder.path.parent
    assert name in refusal(f"resume={name[:-1]}", f"search.runs={runs}")


def test_resume_where_nothing_was_searched_says_so(tmp_path):
    told = refusal("resume=latest", f"search.runs={tmp_path}")
    assert f"no experiment in {tmp_path}" in told


def test_resume_of_an_experiment_that_was_never_searched_is_refused(searched, tmp_path):
    fit = ExperimentFolder(tmp_path / "fit-1")
    fit.path.mkdir()
    fit.write_record(searched.folder.read_record())
    assert "fit-1" in refusal("resume=fit-1", f"search.runs={tmp_path}")
