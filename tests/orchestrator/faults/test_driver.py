"""A driver that dies or stands still in the middle of a cluster loses nothing."""

import signal
import time

import pytest
from searched_anyway import (
    LONG,
    NAME,
    Disturbed,
    driver,
    stored_search,
    trials_in_the_middle,
    with_words,
)
from searches import run_search, stored_epochs, wait_until

from orchestrator.watchdog import LEAST_SILENCE_SECONDS
from trainable.patience import PATIENCE_VARIABLE
from trainable.store import ExperimentFolder


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_search_whose_driver_was_killed_is_resumed(own_cluster, words, undisturbed, tmp_path):
    own_cluster.have(2)
    folder = ExperimentFolder(tmp_path / NAME)
    with driver(with_words(words, LONG), tmp_path) as killed:
        wait_until(lambda: len(trials_in_the_middle(folder, epochs=2)) == 2, seconds=300)
        killed.kill()
    before = stored_epochs(folder)
    found = Disturbed(run_search([f"resume={NAME}", f"search.runs={tmp_path}"]), before)
    found.must_have_lost_nothing()
    found.must_be_as(undisturbed)


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_driver_that_was_stopped_goes_on_with_its_trials(
    own_cluster, words, undisturbed, tmp_path, monkeypatch
):
    """As Ctrl-Z and fg do. Its trials cannot be heard meanwhile, and do not hang."""
    monkeypatch.setenv(PATIENCE_VARIABLE, "1")
    own_cluster.have(2)
    folder = ExperimentFolder(tmp_path / NAME)
    with driver(with_words(words, LONG), tmp_path) as search:
        wait_until(lambda: len(trials_in_the_middle(folder, epochs=2)) == 2, seconds=300)
        search.send_signal(signal.SIGSTOP)
        time.sleep(LEAST_SILENCE_SECONDS + 5)
        before = stored_epochs(folder)
        search.send_signal(signal.SIGCONT)
        printed, _ = search.communicate()
    found = Disturbed(stored_search(folder, search.returncode, printed), before)
    assert not found.breaks
    found.must_have_lost_nothing()
    found.must_be_as(undisturbed)
