"""Where is kept what was handed in? In a folder beside the experiments.

<runs>/submissions/ledger.jsonl   what was ever handed in, a submission a line
                   <hash>.csv     its answers
                   public.html    its public scores against those out-of-fold
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from trainable.files import locked, make_folder, write_bytes
from trainable.locations import Location
from trainable.settings import UserError
from trainable.stored import read_if_there, reading, stamp

SUBMISSIONS = "submissions"
LOCK_SECONDS = 60.0
"""How long who changes the ledger waits for another who does."""


@dataclass(frozen=True)
class SubmissionsFolder:
    """Reads and writes what was handed in, of all experiments of the folder ``runs``."""

    runs: Location

    @property
    def path(self) -> Location:
        """The folder of submissions."""
        return self.runs / SUBMISSIONS

    @property
    def ledger(self) -> Location:
        """What is known of each submission, one a line."""
        return self.path / "ledger.jsonl"

    @property
    def fit_page(self) -> Location:
        """Public scores against those out-of-fold, HTML."""
        return self.path / "public.html"

    def answers(self, digest: str) -> Location:
        """Return the file of a submission's answers."""
        return self.path / f"{digest}.csv"

    def lines(self) -> list[bytes]:
        """Return the lines of the ledger, none where nothing was handed in yet."""
        with reading(self.ledger):
            return (read_if_there(self.ledger) or b"").splitlines()

    @contextmanager
    def changed(self) -> Generator[list[bytes]]:
        """Give the ledger's lines to change, to nobody else meanwhile, and then write them.

        An error within the context leaves the ledger as it was.
        """
        busy = UserError(f"{self.ledger} is being written by another process; try again")
        make_folder(self.path)
        with locked(self.path / ".lock", LOCK_SECONDS, busy):
            before = stamp(self.ledger)
            lines = self.lines()
            yield lines
            if stamp(self.ledger) != before:  # in a bucket there is no lock
                raise busy
            write_bytes(self.ledger, b"".join(line + b"\n" for line in lines))
