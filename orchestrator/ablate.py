"""Change one thing at a time: `python -m orchestrator.ablate recipe=recsys04`."""

import sys
from datetime import datetime
from functools import partial

from orchestrator.ablation_plan import SCHEMA, Ablation, make_ablation
from orchestrator.ablation_table import ablation_lines, show_lines, write_lines
from orchestrator.search import start
from trainable.command_line import process_start, run_command


def main(words: list[str], since: datetime | None = None) -> int:
    """Train the lines of an ablation, write and print its table; 1 where a line is missing."""
    ended = start(words, SCHEMA, make_ablation, since)
    assert isinstance(ended.plan, Ablation)
    lines, missing = ablation_lines(ended.plan, ended.folder)
    if lines:
        file = write_lines(ended.folder, lines)
        show_lines(ended.plan.space.question, lines)
        print(f"wrote {file}")
    for name, reason in missing.items():
        print(f"not in the table: {name}: {reason}", file=sys.stderr)
    return ended.code or int(bool(missing))


if __name__ == "__main__":
    run_command(SCHEMA, partial(main, since=process_start()))
