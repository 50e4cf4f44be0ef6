"""A search that is given less time than work ends in time with what it has."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from searches import Searched, run_search

from orchestrator.estimates import CLOSING_SECONDS

TRIALS, EPOCHS = 1000, 3
SECONDS_TO_END = 30
"""Nothing of so short a search's pace is known beforehand; on a busy machine the end takes long."""


@dataclass(frozen=True)
class Short:
    """A search, the seconds that it was given, and what its trials kept."""

    search: Searched
    budget: int
    with_weights: set[str]
    predicted: set[str]
    checkpoints: list[Path]


@pytest.fixture(scope="session")
def short(cluster_words, searched, tmp_path_factory) -> Short:
    budget = math.ceil(3 * seconds_to_first_trial(searched) + CLOSING_SECONDS)
    words = [
        *(*cluster_words, "scheduler=median", f"train.epochs={EPOCHS}", f"search.trials={TRIALS}"),
        "search.keep=1",
        *(f"search.budget={budget}s", f"search.runs={tmp_path_factory.mktemp('runs-of-short')}"),
    ]
    found = run_search(words)
    return Short(
        search=found,
        budget=budget,
        with_weights={trial.name for trial in found.folder.trials() if trial.has_weights()},
        predicted={trial.name for trial in found.folder.trials() if trial.has_eval()},
        checkpoints=list(found.folder.path.glob("*/checkpoint_*")),
    )


def seconds_to_first_trial(searched: Searched) -> float:
    """How long does this machine take to join the cluster and to import torch?"""
    (asked,) = searched.folder.read_record().started
    started = min(trial.record.started for trial in searched.trials.values())
    return (datetime.fromisoformat(started) - datetime.fromisoformat(asked)).total_seconds()


def test_trials_end_before_the_budget_so_that_everything_is_ready_then(short):
    hours, minutes, seconds = map(
        int, re.findall(r"(\d+):(\d+):(\d+) elapsed", short.search.printed)[-1]
    )
    elapsed = 3600 * hours + 60 * minutes + seconds
    assert elapsed <= short.budget
    assert short.search.seconds <= short.budget + SECONDS_TO_END
    assert "deadline in" in short.search.printed


def test_search_that_ran_out_of_time_has_ended_well(short):
    assert short.search.code == 0
    assert 0 < len(short.search.trials) < TRIALS
    assert "Next:" in short.search.printed


def test_trials_that_ran_out_of_time_keep_their_epochs_and_are_stopped(short):
    for trial in short.search.trials.values():
        assert trial.outcome.status in ("completed", "stopped")
        assert trial.outcome.status == "stopped" or len(trial.epochs) == EPOCHS
    assert any(trial.epochs for trial in short.search.trials.values())


def test_best_trials_are_predicted_after_the_budget(short):
    assert short.predicted
    assert short.predicted == short.with_weights


def test_trials_that_ran_out_of_time_leave_no_checkpoint_and_no_weights_beside_the_best(short):
    assert len(short.with_weights) == 1
    assert not short.checkpoints
