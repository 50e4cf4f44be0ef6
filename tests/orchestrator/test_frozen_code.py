"""Who edits the code while a search runs changes the next search, not this one."""

from pathlib import Path

import trainable
from orchestrator.cluster import here_environment


def test_workers_import_a_copy_of_the_code_as_it_was_at_the_start():
    own = Path(trainable.__file__).parent
    copied = Path(here_environment()["env_vars"]["PYTHONPATH"]) / "trainable"
    assert not copied.samefile(own)
    sources = sorted(file.relative_to(own) for file in own.rglob("*.py"))
    assert sources == sorted(file.relative_to(copied) for file in copied.rglob("*.py"))
    assert all((own / name).read_bytes() == (copied / name).read_bytes() for name in sources)


def test_copy_stays_the_same_for_all_workers_of_a_driver():
    assert here_environment() == here_environment()
