"""What do all analysis commands share? Two options and how a user's mistake ends."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from trainable.locations import Location, folder_named
from trainable.settings import UserError, printable
from trainable.storage_errors import StorageError


def _runs(given: str | Path) -> Location:
    """Return what a user named, or the default, which Typer parses too."""
    return folder_named(str(given))


def with_folder(out: Path | None) -> Path | None:
    """Make the folders above a file that a user named with --out, and return it.

    Raises typer.BadParameter where that cannot be.
    """
    try:
        if out:
            out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{out}: {error.strerror}") from None
    return out


# A Location; Typer takes no union of types, and asks the parser for the value.
RunsOption = Annotated[
    Path,
    typer.Option(parser=_runs, help="Folder of the experiments, or s3://bucket/prefix."),
]
ExperimentOption = Annotated[str, typer.Option(help="An experiment's name, or the latest one.")]
RUNS = Path("runs")


def new_app() -> typer.Typer:
    """Return an empty Typer application."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def tell(message: str) -> None:
    """Print a message beside the output, where a pipe does not see it."""
    print(printable(message), file=sys.stderr)


@contextmanager
def user_errors() -> Generator[None]:
    """End the command with one line and exit code 2 where the user can mend what went wrong."""
    try:
        yield
    except (UserError, StorageError) as error:
        tell(f"error: {error}")
        raise typer.Exit(2) from None
