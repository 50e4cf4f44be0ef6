"""How do suspects become a file that data.label_fixes= takes?"""

from collections.abc import Sequence

import pandas as pd

from analysis.suspects import Suspect
from trainable.files import write_text
from trainable.label_fixes import COLUMNS
from trainable.locations import Location
from trainable.spreadsheet import FORMULA


def write_fixes(file: Location, found: Sequence[Suspect]) -> list[str]:
    """Write what is right for each suspect, a line for each field; return who was left out.

    Persons whose name a spreadsheet would run as a formula are: it cannot be quoted here, as
    the file is read by name. StorageError where the file cannot be written.
    """
    rows = [
        (one.person, field, value)
        for one in found
        if not one.person.startswith(FORMULA)
        for field, value in one.fixes.items()
    ]
    write_text(file, pd.DataFrame(rows, columns=pd.Index(COLUMNS)).to_csv(index=False))
    return sorted({one.person for one in found if one.person.startswith(FORMULA)})
