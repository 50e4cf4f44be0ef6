"""Where is kept what was handed in? In a folder beside the experiments.

<runs>/submissions/ledger.jsonl   what was ever handed in, a submission a line
                   <hash>.csv     its answers
                   public.html    its public scores against those out-of-fold
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trainable.files import atomic_file, locked, reading
from trainable.settings import UserError

SUBMISSIONS = "submissions"
LOCK_SECONDS = 60.0
"""How long who changes the ledger waits for another who does."""


@dataclass(frozen=True)
class SubmissionsFolder:
    """Reads and writes what was handed in, of all experiments of the folder ``runs``."""

    runs: Path

    @property
    def path(self) -> Path:
        """The folder of submissions."""
        return self.runs / SUBMISSIONS

    @property
    def ledger(self) -> Path:
        """What is known of each submission, one a line."""
        return self.path / "ledger.jsonl"

    @property
    def fit_page(self) -> Path:
        """Public scores against those out-of-fold, HTML."""
        return self.path / "public.html"

    def answers(self, digest: str) -> Path:
        """Return the file of a submission's answers."""
        return self.path / f"{digest}.csv"

    def lines(self) -> list[bytes]:
        """Return the lines of the ledger, none where nothing was handed in yet."""
        with reading(self.ledger):
            return self.ledger.read_bytes().splitlines() if self.ledger.exists() else []

    @contextmanager
    def changed(self) -> Generator[list[bytes]]:
        """Give the ledger's lines to change, to nobody else meanwhile, and then write them.

        An error within the context leaves the ledger as it was.
        """
        busy = UserError(f"{self.ledger} is being written by another process; try again")
        with locked(self.path / ".lock", LOCK_SECONDS, busy):
            lines = self.lines()
            yield lines
            with atomic_file(self.ledger) as file:
                file.writelines(line + b"\n" for line in lines)
