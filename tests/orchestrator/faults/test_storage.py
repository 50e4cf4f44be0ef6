"""Storage that refuses for a while costs time, and nothing else."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from searched_anyway import LONG, trials_in_the_middle

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]
SECONDS = 30


def test_storage_that_vanishes_for_30_seconds_costs_no_epoch(own_cluster, search_while):
    """As a share does whose server is started anew."""
    own_cluster.have(2)

    def vanish(folder) -> bool:
        if len(trials_in_the_middle(folder, epochs=2)) < 2:
            return False
        away = folder.path.with_name("away")
        folder.path.rename(away)
        time.sleep(SECONDS)
        away.rename(folder.path)
        return True

    found = search_while(vanish, LONG)
    assert "cannot store" in found.search.printed


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 MB; skipped where none can be mounted."""
    folder = tmp_path / "runs"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "small", str(folder)]
    with suppress(OSError):
        if os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0:
            yield folder
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
            return
    pytest.skip("no disk can be mounted here")


def test_full_disk_that_is_emptied_costs_no_epoch(own_cluster, small_disk, search_while):
    own_cluster.have(2)

    def fill(folder) -> bool:
        if len(trials_in_the_middle(folder, epochs=2)) < 2:
            return False
        filler = small_disk / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1024**2))
        time.sleep(SECONDS)
        filler.unlink()
        return True

    found = search_while(fill, LONG)
    assert "No space left on device" in found.search.printed
