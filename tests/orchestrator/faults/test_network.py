"""A network that is cut for a while costs no epoch."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from namespaces import Network, wired
from searched_anyway import (
    LONG,
    MOST_EPOCHS,
    NAME,
    Disturbed,
    driver,
    stored_search,
    trials_in_the_middle,
    with_words,
)
from searches import stored_epochs, wait_until

from benchmarks.machines import Head, Machine, worker_words
from trainable.store import ExperimentFolder

SECONDS, IN_FLIGHT_SECONDS = 20, 5
"""Of the cut, and those after which an epoch that was in flight is stored."""


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
    there = with_words(words, LONG, f"cluster.address={head.address}")
    with driver(there, tmp_path, inside=network.head.inside) as search:
        wait_until(lambda: len(trials_in_the_middle(folder, epochs=2)) == 2, seconds=300)
        network.cut(network.machines[0])
        time.sleep(IN_FLIGHT_SECONDS)
        cut_off = stored_epochs(folder)
        time.sleep(SECONDS - IN_FLIGHT_SECONDS)
        network.mend(network.machines[0])
        before = stored_epochs(folder)
        printed, _ = search.communicate()
    waited = [name for name in before if len(before[name]) == len(cut_off.get(name, ()))]
    assert [name for name in waited if len(before[name]) < MOST_EPOCHS]
    found = Disturbed(stored_search(folder, search.returncode, printed), before)
    found.must_have_lost_nothing()
    found.must_be_as(undisturbed)
