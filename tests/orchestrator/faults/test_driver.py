"""A driver that dies in the middle of a cluster loses nothing."""

import pytest
from searched_anyway import LONG, NAME, Disturbed, driver, trials_in_the_middle, with_words
from searches import run_search, stored_epochs, wait_until

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
