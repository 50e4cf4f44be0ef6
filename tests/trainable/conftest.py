"""One fit that was recorded, for all tests that only look at it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from object_storage import S3Server

from trainable.buckets import Buckets
from trainable.config import TrialConfig
from trainable.recorded import RecordedFit
from trainable.records import EpochRecord
from trainable.trial_folder import TrialFolder


@dataclass(frozen=True)
class Trained:
    """A fit after its last epoch, what its steps returned, and where it was recorded."""

    recorded: RecordedFit
    epochs: Sequence[EpochRecord]
    folder: TrialFolder


@pytest.fixture(scope="session")
def two_folds(tiny: TrialConfig) -> TrialConfig:
    return tiny.with_values({"cv.folds": 2})


@pytest.fixture(scope="session")
def trained(two_folds: TrialConfig, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = TrialFolder(tmp_path_factory.mktemp("experiment") / "trial-001")
    recorded = RecordedFit(two_folds, folder, {"optim.lr": two_folds.optim.lr})
    return Trained(recorded, [recorded.step() for _ in range(two_folds.train.epochs)], folder)


@pytest.fixture
def no_credentials(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment without credentials, and no connection from before or for later."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    Buckets.clear_instance_cache()
    yield
    Buckets.clear_instance_cache()
