"""Ray kills workers where a machine is short of memory; Tune ends by that, the search does not."""

import numpy as np
import psutil
import pytest
from searched_anyway import trials_in_the_middle
from searches import wait_until

GIGABYTE = 1024**3


@pytest.fixture
def easily_short(own_cluster):
    """A machine that is short of memory when three gigabytes more are used than now."""
    memory = psutil.virtual_memory()
    if memory.available < 8 * GIGABYTE:
        pytest.skip("needs 8 GB of free memory")
    own_cluster.have(0)
    limit = (memory.total - memory.available + 3 * GIGABYTE) / memory.total
    settings = {
        "RAY_memory_usage_threshold": f"{limit:.3f}",
        "RAY_memory_monitor_refresh_ms": "200",
    }
    machine = own_cluster.add(**settings)
    yield machine
    own_cluster.end(machine)


@pytest.mark.fault
def test_search_goes_on_when_ray_kills_its_workers_for_want_of_memory(easily_short, search_while):
    def fill(folder) -> bool:
        if not trials_in_the_middle(folder, epochs=2):
            return False
        filled = np.ones(5 * GIGABYTE, np.uint8)
        wait_until(lambda: '"broke"' in folder.journal.read_text())
        return bool(filled[0])

    found = search_while(fill)
    assert "machine" in {broke.cause for broke in found.breaks}
    assert "Ray Tune broke off" in found.search.printed
