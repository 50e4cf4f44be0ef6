"""How is a file stored so that a reader finds it whole? Written, read, linked and locked.

A file is written beside its final name and renamed, so a reader sees the old file or the new one,
and a full disk leaves what was stored before.
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout
from pydantic import ValidationError
from safetensors import SafetensorError

from trainable.settings import UserError

UNREADABLE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, SafetensorError)
"""What the libraries raise where a file is damaged."""


class StorageError(OSError):
    """A result could not be written; the message names the file and the cause."""


class UnreadableFileError(UserError):
    """A stored file is missing or damaged; the message names the file and the cause."""


@contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """Give the path of a file to write that takes the name ``path`` only when it is whole.

    Raises StorageError when it cannot be written; what was stored before stays.
    """
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=partial_name(path.name), dir=path.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
        partial.chmod(0o644)
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"cannot store {path}: {_cause(error)}") from error
    finally:
        if partial:
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_file(path: Path) -> Generator[IO[bytes]]:
    """Open a file that takes its name only when it is whole, as ``atomic_path`` does."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        yield file


def link_or_copy(source: Path, target: Path) -> None:
    """Let a stored file stand in a second place too, at once: a hard link where disks allow it.

    Raises StorageError when it cannot be written.
    """
    link = target.with_name(f".{target.name}-link")
    try:
        link.hardlink_to(source)
        os.replace(link, target)
    except OSError:  # another disk, or one without links
        with source.open("rb") as stored, atomic_file(target) as file:
            shutil.copyfileobj(stored, file)
    finally:
        link.unlink(missing_ok=True)  # renaming a link to the file it links to does nothing


def write_text(path: Path, text: str) -> None:
    """Write a text file at once or not at all."""
    with atomic_file(path) as file:
        file.write(text.encode())


@contextmanager
def locked(file: Path, seconds: float, busy: UserError) -> Generator[None]:
    """Lock a file up to the end of the context; raise ``busy`` while another process has it."""
    lock = FileLock(file, timeout=seconds, thread_local=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        raise StorageError(f"cannot store {file.parent}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reading(path: Path) -> Generator[Path]:
    """Give the path of a file to read; UnreadableFileError says what is wrong with it."""
    try:
        yield path
    except UNREADABLE as error:
        raise UnreadableFileError(f"cannot read {path}: {_cause(error)}") from error


def partial_name(name: str, rest: str = "") -> str:
    """Return the name, or its beginning, that a file has while it is written."""
    return f".{name}-{rest}"


def _cause(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        return ": ".join([".".join(map(str, problem["loc"])), problem["msg"]]).removeprefix(": ")
    return (isinstance(error, OSError) and error.strerror) or str(error)
