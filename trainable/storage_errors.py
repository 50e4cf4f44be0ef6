"""What does storage refuse, when is it asked again, and how is that told?"""

import zipfile
from collections.abc import Callable

from pydantic import ValidationError
from safetensors import SafetensorError

from trainable.patience import ask_again
from trainable.settings import UserError

UNREADABLE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, SafetensorError)
"""What the libraries raise where a file is damaged."""
REFUSALS = (OSError, SafetensorError)
"""What they raise where storage refuses to be written."""


class StorageError(OSError):
    """A result was not written, or a bucket not reached; the message names it and the cause."""


class UnreadableFileError(UserError):
    """A stored file is missing or damaged; the message names the file and the cause."""


def asked_again(what: str, ask: Callable[[], object]) -> None:
    """Ask storage until patience ends; StorageError for all but that a file is there, or none."""

    def refusal(error: BaseException) -> str:
        is_final = isinstance(error, FileExistsError | StorageError)
        return cause(error) if isinstance(error, REFUSALS) and not is_final else ""

    try:
        ask_again(what, refusal, ask)
    except (FileExistsError, FileNotFoundError):
        raise
    except REFUSALS as error:
        raise StorageError(f"{what}: {cause(error)}") from error


def cause(error: BaseException) -> str:
    """Return what a library's error says of a file."""
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return ": ".join([".".join(map(str, problem["loc"])), problem["msg"]]).removeprefix(": ")
    return (isinstance(error, OSError) and error.strerror) or str(error)
