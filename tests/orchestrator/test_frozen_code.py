"""Who edits the code while a search runs changes the next search, not this one."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
ON_A_WORKER_HERE = """
from orchestrator.config import ClusterSection
from orchestrator.ray_settings import set_environment
set_environment(ClusterSection())
import ray
from orchestrator.cluster import start_ray
start_ray(ClusterSection())
def files():
    import orchestrator, search_spaces, trainable
    return [orchestrator.__file__, search_spaces.__file__, trainable.__file__]
print(*ray.get(ray.remote(files).remote()), sep="\\n")
"""


def test_workers_of_this_machine_import_a_copy_of_the_code():
    """Even where the driver was started in the project's folder, as the README does."""
    words = [sys.executable, "-c", ON_A_WORKER_HERE]
    printed = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    files = [Path(line) for line in printed.split()]
    assert [file.parent.name for file in files] == ["orchestrator", "search_spaces", "trainable"]
    assert not [file for file in files if file.is_relative_to(PROJECT)]
