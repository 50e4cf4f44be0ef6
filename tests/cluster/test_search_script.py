"""A search that a scheduler starts again goes on where it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from upath import UPath

SCRIPT = Path(__file__).parents[2] / "cluster" / "search.sh"
MISSPELT = "loss.nmae=focal"
"""What a new search refuses, and one that goes on is not told."""


@pytest.fixture(params=["folder", "bucket"])
def runs(request, tmp_path, s3_server):
    return str(tmp_path) if request.param == "folder" else f"{s3_server.new_bucket()}/runs"


def refusal(runs):
    words = ["nightly", "space=backbone", MISSPELT, f"search.runs={runs}", "cluster.address=auto"]
    activated = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [SCRIPT, *words], capture_output=True, text=True, timeout=120, env=activated
    )
    assert ended.returncode == 2, ended.stderr
    return ended.stderr


def test_search_is_started_and_then_gone_on_with(runs):
    assert "did you mean loss.name" in refusal(runs)
    begun = UPath(runs) / "nightly"
    begun.mkdir(parents=True, exist_ok=True)
    (begun / "experiment.json").write_text("no record of a search")
    assert "nightly/experiment.json" in refusal(runs)
