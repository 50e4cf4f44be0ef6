"""A stored search that a test may spoil, as if somebody else had given it away."""

from pathlib import Path

import pytest

from benchmarks.stored_search import Large, write_search
from trainable.store import ExperimentFolder


@pytest.fixture
def search(tmp_path: Path, faces_root: Path) -> ExperimentFolder:
    """Eight trials on the images of 24 persons; the best five have predicted the eval images."""
    return write_search(tmp_path / "runs", faces_root, Large(trials=8, persons=24))
