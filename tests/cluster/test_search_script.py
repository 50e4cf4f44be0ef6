"""A search that a scheduler starts again goes on where it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from upath import UPath

from benchmarks.machines import free_port

SCRIPT = Path(__file__).parents[2] / "cluster" / "search.sh"
MISSPELT = "loss.nmae=focal"
"""What a new search refuses, and one that goes on is not told."""


@pytest.fixture(params=["folder", "bucket"])
def runs(request, tmp_path, s3_server):
    return str(tmp_path) if request.param == "folder" else f"{s3_server.new_bucket()}/runs"


def ended(runs, **environment):
    words = ["nightly", "space=backbone", MISSPELT, f"search.runs={runs}", "cluster.address=auto"]
    activated = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [SCRIPT, *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**activated, **environment},
    )


def refusal(runs):
    refused = ended(runs)
    assert refused.returncode == 2, refused.stderr
    return refused.stderr


def test_search_is_started_and_then_gone_on_with(runs):
    assert "did you mean loss.name" in refusal(runs)
    begun = UPath(runs) / "nightly"
    begun.mkdir(parents=True, exist_ok=True)
    (begun / "experiment.json").write_text("no record of a search")
    told = refusal(runs)
    assert "nightly/experiment.json" in told
    assert f"not read again: space=backbone {MISSPELT}" in told


def test_no_second_search_is_started_where_storage_does_not_answer(s3_server):
    nowhere = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    silent = ended(f"{s3_server.new_bucket()}/runs", **nowhere)
    assert silent.returncode == 1
    assert MISSPELT not in silent.stderr
