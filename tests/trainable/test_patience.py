"""Storage that refuses for a while costs nothing but the wait, and the user hears of it."""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path

import pytest
from object_storage import S3Server, running_s3_server

from trainable import patience
from trainable.files import write_text
from trainable.locations import location
from trainable.patience import PATIENCE_VARIABLE, patient, waits_over
from trainable.recorded import RecordedFit
from trainable.settings import UserError
from trainable.storage_errors import StorageError
from trainable.stored import read_bytes
from trainable.trial_folder import TrialFolder


@pytest.fixture
def seconds(monkeypatch):
    """Sets for how long is asked again, where other tests' open trials are not patient."""
    monkeypatch.setattr(patience, "_patient", 0)
    waits_over()
    return lambda count: monkeypatch.setenv(PATIENCE_VARIABLE, str(count))


def later(action) -> threading.Timer:
    timer = threading.Timer(0.5, action)
    timer.start()
    return timer


def test_write_waits_for_a_folder_that_comes_back(tmp_path: Path, seconds, capsys):
    seconds(20)
    later((tmp_path / "share").mkdir)
    with patient():
        write_text(tmp_path / "share" / "file", "whole")
    assert (tmp_path / "share" / "file").read_text() == "whole"
    assert capsys.readouterr().err.count("No such file or directory; trying for 20 s") == 1
    [told] = waits_over()
    assert "cannot store" in told
    assert waits_over() == []


def test_patience_ends(tmp_path, seconds):
    seconds(0.3)
    with patient(), pytest.raises(StorageError, match="No such file"):
        write_text(tmp_path / "share" / "file", "whole")
    assert waits_over() == []


@pytest.mark.parametrize("typed", ["2m", "nan", "-1"])
def test_patience_that_is_no_number_of_seconds_is_named(seconds, typed):
    seconds(typed)
    with pytest.raises(UserError, match=f"{PATIENCE_VARIABLE}={typed}: write a number"), patient():
        pytest.fail("begun")


def test_command_that_loses_nothing_does_not_wait(tmp_path, seconds, capsys):
    seconds(60)
    with pytest.raises(StorageError):
        write_text(tmp_path / "share" / "file", "whole")
    assert "trying" not in capsys.readouterr().err


def test_trial_waits_and_tells_it_with_its_epoch(tiny, tmp_path, seconds, monkeypatch):
    seconds(30)
    share, away = tmp_path / "share", tmp_path / "away"
    share.mkdir()
    with closing(RecordedFit(tiny, TrialFolder(share / "trial-001"), {})) as fit:
        fit.step()
        train = fit.fit.step

        def train_and_lose_the_share():
            epoch = train()
            share.rename(away)
            later(lambda: away.rename(share))
            return epoch

        monkeypatch.setattr(fit.fit, "step", train_and_lose_the_share)
        fit.step()
        assert "cannot store" in fit.notice
    assert len(TrialFolder(share / "trial-001").read_epochs()) == 2


def test_put_waits_for_a_server_that_hangs(s3_server: S3Server, seconds):
    seconds(30)
    there = location(f"{s3_server.new_bucket()}/file")
    os.kill(s3_server.process.pid, signal.SIGSTOP)
    later(lambda: os.kill(s3_server.process.pid, signal.SIGCONT))
    with patient():
        write_text(there, "whole")
    assert read_bytes(there) == b"whole"


def test_put_waits_for_a_server_that_refuses_connections(s3_server, seconds, capsys):
    seconds(60)
    with running_s3_server(pause=2), patient():
        there = location("s3://bucket-1/file")
        write_text(there, "whole")
        assert read_bytes(there) == b"whole"
    assert "trying for 60 s" in capsys.readouterr().err
    assert waits_over()
