"""How is what is stored, on a disk or in a bucket, looked for and read? files.py writes it."""

import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from upath import UPath

from trainable.locations import Location
from trainable.storage_errors import UNREADABLE, UnreadableFileError, asked_again, cause

ASKED_AT_ONCE = 16
"""Requests about objects that a bucket is asked side by side."""


def stamp(path: Location) -> tuple[object, ...] | None:
    """Return what changes whenever a file is written; None where there is none."""
    try:
        if isinstance(path, Path):
            found = path.stat()
            return found.st_ino, found.st_mtime_ns
        return (path.fs.info(path.path)["ETag"],)
    except FileNotFoundError:
        return None


def is_seen(path: Location) -> bool:
    """Say whether a file is there; where it is not, its storage may be away, and is asked again."""
    try:
        asked_again(f"cannot see {path}", path.stat)
    except FileNotFoundError:
        return False
    return True


def is_object(path: UPath) -> bool:
    """Say whether there is an object of that name: ``exists`` also asks for what is below it."""
    bucket, _, key = path.path.partition("/")
    try:
        _asked(path, "head_object", Bucket=bucket, Key=key)
    except FileNotFoundError:
        return False
    return True


def found_below(folder: Location, name: str) -> list[Location]:
    """Return the files of that name in the folders of ``folder``, in order."""
    if isinstance(folder, Path):
        return sorted(folder.glob(f"*/{name}"))
    try:
        listed = folder.fs.ls(folder.path, detail=True)
    except FileNotFoundError:
        return []
    inner = sorted(entry["name"] for entry in listed if entry["type"] == "directory")
    files = [folder / path.rstrip("/").rpartition("/")[2] / name for path in inner]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        is_there = pool.map(is_object, files)
        return [file for file, is_one in zip(files, is_there, strict=True) if is_one]


@contextmanager
def reading(path: Location) -> Generator[Location]:
    """Give the path of a file to read; UnreadableFileError says what is wrong with it."""
    try:
        yield path
    except UNREADABLE as error:
        raise UnreadableFileError(f"cannot read {path}: {cause(error)}") from error


def read_bytes(path: Location) -> bytes:
    """Return a file's content."""
    if isinstance(path, Path):
        return path.read_bytes()
    return cast(Any, path.fs).cat_file(path.path, max_concurrency=1)  # its size is not asked first


def read_if_there(path: Location) -> bytes | None:
    """Return a file's content, None where there is no such file."""
    try:
        return read_bytes(path)
    except FileNotFoundError:
        return None


@contextmanager
def local_copy(path: Location) -> Generator[Path]:
    """Give a stored file as one on this machine's disk, for libraries that read no other."""
    if isinstance(path, Path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="stored-") as folder:
        copy = Path(folder, path.name)
        path.fs.get_file(path.path, str(copy))
        yield copy


def _asked(path: UPath, method: str, **words: object) -> Any:
    return cast(Any, path.fs).call_s3(method, **words)
