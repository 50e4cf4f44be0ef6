"""How is a file stored so that a reader finds it whole, on a disk or in a bucket?

On a disk it is written beside its final name and renamed, in a bucket put at once: a reader sees
the old file or the new one, and a full disk leaves what was stored before. What storage refuses is
tried again as `patience.py` says before it is a StorageError. No folder is made on the way, so
that a share that is no longer mounted is not taken for an empty disk.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout
from upath import UPath

from trainable.locations import Location
from trainable.settings import UserError
from trainable.storage_errors import StorageError, asked_again, cause
from trainable.stored import read_bytes


def write_with(
    path: Location, write: Callable[[Path], object], *, is_durable: bool = False
) -> None:
    """Store what ``write`` writes to the local file that it is given, at once or not at all.

    ``is_durable``: a power cut must not cost it. Raises StorageError when it cannot be stored;
    what was stored before stays.
    """
    _change(path, lambda: _write_once(path, write, is_durable))


def write_bytes(path: Location, content: bytes, *, is_durable: bool = False) -> None:
    """Store a file's content at once or not at all, as ``write_with`` does."""
    write_with(path, lambda partial: partial.write_bytes(content), is_durable=is_durable)


def write_text(path: Location, text: str) -> None:
    """Store a text file at once or not at all, as ``write_with`` does."""
    write_bytes(path, text.encode())


def create(path: UPath, content: bytes) -> None:
    """Put an object that nobody has put yet; FileExistsError where somebody has.

    Of several processes that do so at the same time one succeeds.
    """
    try:
        _change(path, lambda: path.fs.pipe_file(path.path, content, mode="create"))
    except FileExistsError:
        # Where an answer was lost on its way, the object is the one that was put.
        if read_bytes(path) != content:
            raise


def append(path: Path, content: bytes, *, is_durable: bool = False) -> None:
    """Append to a local file at once or not at all; StorageError where it cannot be written."""
    sizes: list[int] = []
    try:
        _change(path, lambda: _append_once(path, content, sizes, is_durable))
    except StorageError:
        with suppress(OSError):
            if sizes:  # else it was never opened, and holds nothing of this
                os.truncate(path, min(sizes))
        raise


def link_or_copy(source: Location, target: Location) -> None:
    """Let a stored file stand in a second place too, at once: without its bytes where that works.

    Raises StorageError when it cannot be written.
    """
    _change(target, lambda: _link_once(source, target))


def remove(path: Location) -> None:
    """Delete a file, if it is there; StorageError where it cannot be deleted."""
    _change(path, lambda: path.unlink(missing_ok=True))


def remove_tree(folder: Location) -> None:
    """Delete a folder and all that is in it."""
    if isinstance(folder, Path):
        shutil.rmtree(folder)
    else:
        folder.fs.rm(folder.path, recursive=True)


def make_folder(folder: Location) -> None:
    """Make a folder, if it is not there, in one that is; StorageError where there is none."""
    if isinstance(folder, Path):
        _change(folder, lambda: folder.mkdir(exist_ok=True))


def remove_partial(folder: Location, *patterns: str) -> None:
    """Delete what a process that was killed while it wrote has left of files of these names."""
    if isinstance(folder, Path):
        for pattern in patterns:
            for partial in folder.glob(_partial_name(pattern, "*")):
                remove(partial)


@contextmanager
def locked(file: Location, seconds: float, busy: UserError) -> Generator[None]:
    """Lock a file up to the end of the context; raise ``busy`` while another process has it.

    In a bucket there are no locks: one of a process that died would stay for ever. There, who
    writes compares the ``stamp`` of what it read.
    """
    if not isinstance(file, Path):
        yield
        return
    lock = FileLock(file, timeout=seconds, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        raise StorageError(f"cannot store {file.parent}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _change(path: Location, change: Callable[[], object]) -> None:
    try:
        asked_again(f"cannot store {path}", change)
    except FileNotFoundError as error:
        raise StorageError(f"cannot store {path}: {cause(error)}") from error


def _write_once(path: Location, write: Callable[[Path], object], is_durable: bool) -> None:
    folder = path.parent if isinstance(path, Path) else None
    handle, name = tempfile.mkstemp(prefix=_partial_name(path.name), dir=folder)
    os.close(handle)
    partial = Path(name)
    try:
        write(partial)
        partial.chmod(0o644)
        if isinstance(path, Path):
            if is_durable:
                _sync(partial)
            os.replace(partial, path)
        else:
            path.fs.put_file(str(partial), path.path)
    finally:
        partial.unlink(missing_ok=True)


def _append_once(path: Path, content: bytes, sizes: list[int], is_durable: bool) -> None:
    """Append behind what was there before the first try, whose size leads ``sizes``."""
    with path.open("ab") as file:
        sizes.append(os.fstat(file.fileno()).st_size)
        file.truncate(min(sizes))
        file.write(content)
        file.flush()
        if is_durable:
            os.fdatasync(file.fileno())


def _link_once(source: Location, target: Location) -> None:
    if not (isinstance(source, Path) and isinstance(target, Path)):
        cast(Any, target).fs.cp_file(cast(Any, source).path, cast(Any, target).path)
        return
    link = target.with_name(f".{target.name}-link")
    try:
        link.hardlink_to(source)
        os.replace(link, target)
    except OSError:  # another disk, or one without links
        _write_once(target, lambda copy: shutil.copyfile(source, copy), is_durable=False)
    finally:
        link.unlink(missing_ok=True)  # renaming a link to the file it links to does nothing


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fdatasync(opened.fileno())


def _partial_name(name: str, rest: str = "") -> str:
    return f".{name}-{rest}"
