"""Train the leaders again, with other seeds: `python -m orchestrator.confirm --top 3 seeds=3`."""

from datetime import datetime
from functools import partial

from orchestrator.confirm_plan import make_confirmation
from orchestrator.confirm_words import SCHEMA, without_options
from orchestrator.search import start
from trainable.command_line import process_start, run_command


def main(words: list[str], since: datetime | None = None) -> int:
    """Start a confirmation, or go on with one; return 1 where no training finished."""
    return start(without_options(words), SCHEMA, make_confirmation, since).code


if __name__ == "__main__":
    run_command(SCHEMA, partial(main, since=process_start()))
