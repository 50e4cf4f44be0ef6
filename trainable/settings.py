"""How are settings named and checked? Frozen sections, dotted paths, errors that help."""

import difflib
import functools
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

Value = bool | int | float | str | None
"""One setting's value, as a search space, a command line or a JSON file holds it."""
Names = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
]
"""Names with commas between; one alone needs no brackets."""
Model = TypeVar("Model", bound=BaseModel)
LONGEST_NAME = 255
"""Bytes of a file's name, as systems allow."""


def printable(text: str) -> str:
    """Return a text in which a terminal finds nothing to obey: escapes are spelled out.

    Lines stay lines. Names and reasons that are printed may come from files that others wrote.
    """
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode()
        for one in text
    )


def is_file_name(name: str) -> bool:
    """Whether a file or folder may be called so: no path, no text that a terminal obeys."""
    is_path = "/" in name or "\\" in name or name in ("", ".", "..")
    return not is_path and name.isprintable() and len(name.encode()) <= LONGEST_NAME


class UserError(ValueError):
    """A mistake of the user's: the message says what was wrong, where, and what is allowed."""

    def __str__(self) -> str:
        return printable(super().__str__())


class Section(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_kind_passes_for_another(cls, value: object, info: ValidationInfo) -> object:
        """Refuse true and false as numbers; take whole numbers as text, as in search.name=2024."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool):
            if _takes_numbers(kind):
                raise PydanticCustomError("no_number", "should be a number, not true or false")
        elif kind is str and isinstance(value, int):
            return str(value)
        elif kind is str and isinstance(value, float):
            # 1.10 and 1e3 have lost their spelling by now.
            raise PydanticCustomError("no_text", "should be text: write \"'...'\" round a number")
        return value


@functools.cache
def setting_paths(model: type[BaseModel], prefix: str = "") -> tuple[str, ...]:
    """Return the dotted paths of all single settings below ``model``."""
    paths: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            paths += setting_paths(kind, f"{prefix}{name}.")
        elif get_origin(kind) is not dict:
            paths.append(f"{prefix}{name}")
    return tuple(paths)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a misspelt name: near matches first, else all that are known."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.55)
    near += [other for other in names if other.endswith(f".{name}") and other not in near]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return UserError(f"unknown {kind} '{name}'; {hint}")


def check_settings(model: type[Model], tree: Mapping[str, Any]) -> Model:
    """Build ``model`` from nested values; raise UserError with a line for each bad one."""
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        raise UserError("\n".join(lines)) from None


def _takes_numbers(kind: Any) -> bool:
    return any(part in (int, float) or type(part) is int for part in (kind, *get_args(kind)))


def _explain(problem: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    message = str(problem["msg"]).removeprefix("Input ").removeprefix("Value error, ")
    return f"{path}={problem['input']!r}: {message}{_near(problem)}"


def _near(problem: Mapping[str, Any]) -> str:
    if problem["type"] != "literal_error":
        return ""
    allowed = str(problem["ctx"]["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
    near = difflib.get_close_matches(str(problem["input"]), allowed, n=1, cutoff=0.4)
    return f"; did you mean {near[0]}?" if near else ""
