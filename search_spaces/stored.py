"""What was a space that an experiment keeps as text? The way back from `Space.as_json`."""

import ast
from collections.abc import Mapping

from optuna.distributions import BaseDistribution, json_to_distribution

from trainable.settings import UserError

ALWAYS = ""
"""Stands for the case of a parameter that exists in every trial."""


Stored = Mapping[str, tuple[str, Mapping[str, BaseDistribution]]]
"""Path -> its parent's path, and a distribution for each of the parent's values."""


def stored_domains(space: Mapping[str, str]) -> Stored:
    """Return what a space held.

    A parameter without a parent has the parent ``ALWAYS`` and one case of that name; values are
    written as ``str`` does. Raises UserError where a text is no space's.
    """
    return {path: _domain(path, text) for path, text in space.items()}


def _domain(path: str, text: str) -> tuple[str, dict[str, BaseDistribution]]:
    parent, cases = ALWAYS, {ALWAYS: text}
    try:
        if text.startswith("when "):
            parent, _, listed = text.removeprefix("when ").partition(": ")
            cases = ast.literal_eval(listed)
        return parent, {value: json_to_distribution(one) for value, one in cases.items()}
    except (AttributeError, KeyError, SyntaxError, TypeError, ValueError) as error:
        raise UserError(f"the stored space of {path} cannot be read: {error}") from None
