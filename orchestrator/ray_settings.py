"""What must Ray find in the environment before it is imported? It reads much of it only then."""

import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator.config import ClusterSection
from trainable.settings import UserError

WORKER_ENVIRONMENT = {
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # Threads that wait sleep: spinning ones take the cores that other processes need.
    "OMP_WAIT_POLICY": "PASSIVE",
}
DRIVER_ENVIRONMENT = {
    **WORKER_ENVIRONMENT,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Our own callback records; Ray's loggers would write the same once more, as pickles too.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}
HERE_ALONE = {
    "RAY_AUTH_MODE": "token",
    # What says that this is no cluster, whatever its name: Ray's processes then listen on
    # 127.0.0.1 alone, and without it on every address of the machine.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
JOINING = {"RAY_NUM_REDIS_GET_RETRIES": "5"}
"""A cluster that refuses or does not answer is given up after so many seconds, not after 20."""
TOKEN, TOKEN_FILE = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
"""Ray's variables of the cluster's token and of the file that holds it."""


def set_environment(config: ClusterSection) -> None:
    """Set what Ray reads, where nobody has; UserError where its token cannot be read.

    A cluster is joined with this machine's token, if it has one: Ray by itself would use it only
    for ``auto`` and not for an address.
    """
    wanted = {**DRIVER_ENVIRONMENT, **(JOINING if config.address else HERE_ALONE)}
    if config.address and has_token():
        wanted["RAY_AUTH_MODE"] = "token"
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    if not config.address:
        _make_private(token_folder())


def token_folder() -> Path:
    """Return where Ray keeps the token of this user, unless the environment names another."""
    return Path.home() / ".ray"


def has_token(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether this machine has a cluster's token; UserError where a named file has none."""
    if environment.get(TOKEN):
        return True
    if file := environment.get(TOKEN_FILE):
        _refuse_unreadable(Path(file))
        return True
    return (token_folder() / "auth_token").is_file()


def _refuse_unreadable(file: Path) -> None:
    # Ray would end the process with a page of C++ addresses.
    try:
        is_empty = not file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{TOKEN_FILE}={file}: the token cannot be read ({error})") from None
    if is_empty:
        raise UserError(f"{TOKEN_FILE}={file}: the file is empty; it should hold Ray's token")


def _make_private(folder: Path) -> None:
    # Ray makes the file of a new token readable for everybody.
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Ray keeps the token of this machine in {folder}, which cannot be made "
            f"({error.strerror}): set {TOKEN}=<any secret>, or HOME to a folder you may write to"
        ) from None
