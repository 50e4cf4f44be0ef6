"""How does a page of HTML come about? Colours, plotly.js and all: it needs no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from plotly.offline import get_plotlyjs

BASE = Path(__file__).parent
"""The folder of page.html.jinja, which every page extends."""
Part = Mapping[str, Any]
"""What a template is given, by name."""


def render(template: Path, part: Part) -> str:
    """Return the page of a template that extends page.html.jinja, every text escaped.

    Raises jinja2.UndefinedError where the template asks for what ``part`` does not have.
    """
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, BASE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template.name).render(part, plotly=get_plotlyjs())
