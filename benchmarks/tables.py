"""What do the benchmarks' tables look like?"""

from rich.box import SIMPLE_HEAD
from rich.table import Table


def new_table(first: str, *others: str, is_narrow: bool = False) -> Table:
    """Return an empty table whose first column is text; a narrow one has no room beside cells."""
    padding = 0 if is_narrow else (0, 1, 0, 0)
    table = Table(box=SIMPLE_HEAD, padding=padding, show_edge=not is_narrow)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
