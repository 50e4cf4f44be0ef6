"""What does a spreadsheet make of a cell? Text that begins like a formula is run."""

import pandas as pd

from trainable.settings import printable

FORMULA = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
"""What a cell begins with that a spreadsheet would run; the last four are the first, but wide."""


def for_spreadsheets(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text is a formula to a spreadsheet: those get a ' in front.

    Nor does a terminal find anything to obey in it.
    """
    return table.map(_no_formula)


def _no_formula(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    return printable(f"'{cell}" if cell.startswith(FORMULA) else cell)
