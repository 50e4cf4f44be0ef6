"""Change one thing at a time: `python -m orchestrator.ablate recipe=recsys04`."""

from orchestrator.ablation_plan import SCHEMA, Ablation, make_ablation
from orchestrator.ablation_table import ablation_lines, show_lines, write_lines
from orchestrator.search import start
from trainable.command_line import run_command


def main(words: list[str]) -> int:
    """Train the lines of an ablation, write and print its table."""
    ended = start(words, make_ablation)
    assert isinstance(ended.plan, Ablation)
    lines = ablation_lines(ended.plan, ended.folder)
    file = write_lines(ended.folder, lines)
    show_lines(ended.plan.space.question, lines)
    print(f"wrote {file}")
    return ended.code


if __name__ == "__main__":
    run_command(SCHEMA, main)
