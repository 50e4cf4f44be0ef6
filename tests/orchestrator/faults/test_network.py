"""A network that is cut for a while costs no epoch."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from namespaces import Network, wired
from searched_anyway import NAME, Disturbed, driver, stored_search, trials_in_the_middle
from searches import stored_epochs, wait_until

from benchmarks.machines import Head, Machine, worker_words
from trainable.store import ExperimentFolder

SECONDS = 20


@pytest.fixture
def network() -> Iterator[Network]:
    with wired(2) as network:
        yield network


@pytest.fixture
def head(network: Network) -> Iterator[Head]:
    """The head of two machines that reach it through the network alone."""
    with ExitStack() as ends:
        head = Head(network.head.address, inside=network.head.inside)
        ends.callback(head.kill)
        for place in network.machines:
            words = worker_words(head.address, place.address)
            ends.callback(Machine(words, inside=place.inside).kill)
        yield head


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_network_that_is_cut_for_20_seconds_costs_no_epoch(
    network, head, words, undisturbed, tmp_path
):
    folder = ExperimentFolder(tmp_path / NAME)
    elsewhere = [word for word in words if not word.startswith("cluster.address=")]
    with driver(
        [*elsewhere, f"cluster.address={head.address}"], tmp_path, inside=network.head.inside
    ) as search:
        wait_until(lambda: len(trials_in_the_middle(folder, epochs=2)) == 2, seconds=300)
        network.cut(network.machines[0])
        time.sleep(SECONDS)
        network.mend(network.machines[0])
        before = stored_epochs(folder)
        printed, _ = search.communicate()
    found = Disturbed(stored_search(folder, search.returncode, printed), before)
    found.must_have_lost_nothing()
    found.must_be_as(undisturbed)
