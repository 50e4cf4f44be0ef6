"""How is a file kept that grows line by line, where an object cannot be appended to?

    <file>           on a disk: appended to, and locked by whoever appends
    <file>/00001     in a bucket: pieces, the last of which is put anew with each line
          /00002     each process that takes the file up begins a piece, which nobody can twice

There is no lock in a bucket, as one of a process that died would stay for ever. Instead a process
that finds a later piece than its own knows that another has taken its place. It looks after it has
put a line and before it acts on it: what it put before that piece was begun, the other one reads.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from upath import UPath

from trainable.files import append, create, write_bytes
from trainable.locations import Location
from trainable.settings import UserError
from trainable.stored import is_object, read_bytes, read_if_there

LINES = 100
"""Lines of a piece: what is put with each line stays small."""


class ReplacedError(UserError):
    """Another process has taken up what this one was writing; the message names it."""


Repair = Callable[[bytes], bytes]
"""Returns how much of what was written is kept, from its beginning on."""


class Growing(Protocol):
    """A file of lines, each of them there when ``append`` returns."""

    def take_up(self, line: bytes, repaired: Repair) -> bytes:
        """Write this process's first line, behind what ``repaired`` keeps of earlier ones.

        Returns what stood there before.
        """
        ...

    def append(self, line: bytes) -> None:
        """Write a line; StorageError where it cannot be stored."""
        ...


class GrowingFile:
    """A file on a disk; that one process alone writes it is for a lock to see to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take_up(self, line: bytes, repaired: Repair) -> bytes:
        """Write a first line, when what is damaged is gone: half a line would spoil it."""
        before = read_grown(self._path)
        if (kept := repaired(before)) != before:
            write_bytes(self._path, kept)
        self.append(line)
        return before

    def append(self, line: bytes) -> None:
        """Write a line at once or not at all."""
        append(self._path, line, is_durable=True)


class GrowingObject:
    """A file in a bucket, in pieces."""

    def __init__(self, path: UPath) -> None:
        self._path = path
        self._number, self._lines = 0, list[bytes]()

    def take_up(self, line: bytes, repaired: Repair) -> bytes:
        """Begin a piece of this process's own, and then read those before it."""
        self._number = max(map(_number, _pieces(self._path)), default=0)
        while not self._begun(line):
            continue  # another process has taken it up at the same time
        before = self._before()
        content = b"".join(before.values())
        if (kept := repaired(content)) != content:
            self._keep(before, len(kept))
        return content

    def append(self, line: bytes) -> None:
        """Write a line; ReplacedError where another process has taken the file up."""
        if len(self._lines) < LINES:
            write_bytes(self._piece(self._number), b"".join([*self._lines, line]))
            self._lines.append(line)
        elif not self._begun(line):
            raise self._replaced()
        if is_object(self._piece(self._number + 1)):
            raise self._replaced()

    def _begun(self, line: bytes) -> bool:
        """Begin the next piece; say whether that is this process's, and no other's."""
        self._number += 1
        try:
            create(self._piece(self._number), line)
        except FileExistsError:
            return False
        self._lines = [line]
        return True

    def _before(self) -> dict[UPath, bytes]:
        pieces = [piece for piece in _pieces(self._path) if _number(piece) < self._number]
        return {piece: read_bytes(piece) for piece in pieces}

    def _keep(self, before: Mapping[UPath, bytes], size: int) -> None:
        for piece, content in before.items():
            if len(content) > size:
                write_bytes(piece, content[:size])
            size = max(0, size - len(content))

    def _piece(self, number: int) -> UPath:
        return self._path / f"{number:05d}"

    def _replaced(self) -> ReplacedError:
        return ReplacedError(
            f"another process has taken up {self._path.parent}: this one ends here"
        )


def growing(path: Location) -> Growing:
    """Return a file that grows."""
    return GrowingFile(path) if isinstance(path, Path) else GrowingObject(path)


def read_grown(path: Location) -> bytes:
    """Return all that is written of a file that grows, nothing where it has not begun."""
    if isinstance(path, Path):
        return read_if_there(path) or b""
    return b"".join(map(read_bytes, _pieces(path)))


def last_grown(path: Location) -> float | None:
    """Return when a file last grew, in seconds since 1970; None where it has not begun."""
    files = [path] if isinstance(path, Path) else _pieces(path)[-1:]
    return files[0].stat().st_mtime if files and files[0].exists() else None


def _pieces(path: UPath) -> list[UPath]:
    return sorted(path.iterdir(), key=_number) if path.exists() else []


def _number(piece: UPath) -> int:
    return int(piece.name)
