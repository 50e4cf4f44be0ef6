"""Search a space of configurations: `python -m orchestrator.search space=loss_aug`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.config import SCHEMA, Asking
from orchestrator.plan import Plan, end_of, make_plan
from trainable.command_line import Schema, process_start, read_words, run_command, tell

if TYPE_CHECKING:
    from orchestrator.launch import Ended


def main(words: list[str], since: datetime | None = None) -> int:
    """Start a search, or go on with one; return 1 where no trial finished."""
    return start(words, SCHEMA, make_plan, since).code


def start(
    words: Sequence[str],
    schema: Schema[Any],
    plan_from: Callable[[Sequence[str]], Plan],
    since: datetime | None = None,
) -> "Ended":
    """Start what the words say, or go on with it; a budget counts ``since`` then, or from now.

    Torch takes seconds to import: before it every mistake is told that can be found without it.
    """
    asked: Asking = read_words(schema, words).settings
    now = since or datetime.now()
    if asked.resume:
        from orchestrator.launch import go_on
        from orchestrator.resume import resumed

        return go_on(resumed(asked, words, schema), plan_from, now)
    plan = plan_from(words)
    end = end_of(plan, now)
    tell(plan.notes)
    from orchestrator.launch import begin

    return begin(plan, end)


if __name__ == "__main__":
    run_command(SCHEMA, partial(main, since=process_start()))
