"""What can stand in a section of the report? Sentences, figures, tables, faces, commands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import plotly.graph_objects as go

from analysis.figures import figure_html
from analysis.sheets import Sheet

LONG = 40
"""Characters of a cell that may fold."""
NUMBER = re.compile(r"-?$|[-+]?\d")
"""How the cells of a column begin that stand right: numbers, with or without a unit."""


@dataclass(frozen=True)
class Text:
    """A paragraph; ``quiet`` ones explain."""

    words: str
    quiet: bool = False
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Heading:
    """What the blocks after it are about."""

    words: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Drawing:
    """A figure, with a name that no other of the page has.

    A window with fewer pixels than ``least_width`` shows a part of it, and lets it be moved.
    """

    name: str
    figure: go.Figure
    least_width: int = 0
    kind: ClassVar[str] = "drawing"

    @property
    def html(self) -> str:
        """The figure as HTML."""
        return figure_html(self.figure, f"figure-{self.name}")


@dataclass(frozen=True)
class Grid:
    """Small figures or tables, as many side by side as fit."""

    blocks: Sequence["Block"]
    kind: ClassVar[str] = "grid"


@dataclass(frozen=True)
class Cell:
    """A table's cell, shaded by a ``share`` from 0 to 1."""

    text: str
    share: float

    def __str__(self) -> str:
        """Return the text, as people read it."""
        return self.text


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; those after the first ``shown`` unfold when asked for."""

    name: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""
    shown: int = 1000
    kind: ClassVar[str] = "table"

    @property
    def columns(self) -> list[str]:
        """How each column is set: as numbers, as words, or as long words that fold."""
        return [_column(cells) for cells in zip(*map(_texts, self.rows), strict=True)]


def _texts(row: Sequence[str | Cell]) -> list[str]:
    return [str(cell) for cell in row]


def _column(cells: Sequence[str]) -> str:
    if max(map(len, cells)) > LONG:
        return "long"
    return "number" if all(NUMBER.match(cell) for cell in cells) else "words"


@dataclass(frozen=True)
class Faces:
    """Images with captions."""

    sheet: Sheet
    kind: ClassVar[str] = "faces"


@dataclass(frozen=True)
class Commands:
    """What to type."""

    lines: Sequence[str]
    kind: ClassVar[str] = "commands"


Block = Text | Heading | Drawing | Grid | Table | Faces | Commands


@dataclass(frozen=True)
class Section:
    """A part of the report: its anchor, its title and what stands below."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Answer:
    """What the summary says to a question: sentences, and a command if one follows."""

    question: str
    sentences: Sequence[str]
    anchor: str
    commands: Sequence[str] = ()
