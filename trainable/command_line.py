"""What do the words of a command line mean? Hydra's grammar in, checked settings out.

`loss.name=focal` sets a value, `recipe=plain` takes one of a group, and `loss.name=focal,f1` or
`optim.lr=interval(1e-4,1e-2)` (Hydra's sweeps) say which values a search may take.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import psutil
from hydra import compose, initialize
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, Sweep
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.table import Table

from trainable.patience import asked_seconds
from trainable.recipes.catalogue import RECIPES, SCALES
from trainable.settings import (
    Section,
    UserError,
    check_settings,
    printable,
    setting_paths,
    unknown_name,
)

Settled = TypeVar("Settled", bound=Section)
USER_ERROR = 2
"""Exit code after a mistake of the user's."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

Groups = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Word -> option -> the settings it stands for."""
TRIAL_GROUPS: Groups = {
    "recipe": {name: recipe.settings() for name, recipe in RECIPES.items()},
    "scale": SCALES,
}


@dataclass(frozen=True)
class Schema(Generic[Settled]):
    """What a command accepts: its settings, and the words that stand for several of them."""

    command: str
    settings: type[Settled]
    groups: Groups
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Words(Generic[Settled]):
    """A checked command line: ``pinned`` paths were given one value, ``swept`` ones several."""

    settings: Settled
    pinned: frozenset[str]
    swept: Mapping[str, Any]


def read_words(schema: Schema[Settled], words: Sequence[str]) -> Words[Settled]:
    """Check the words of a command line; raise UserError with near names for a bad one."""
    given = {override.key_or_group: override for override in _parse(words)}
    _refuse_unknown(schema, given.values())
    swept = {
        key: override.value()
        for key, override in given.items()
        if override.is_sweep_override() and key not in schema.lists
    }
    plain = [
        _as_word(override, is_text=_kind(schema.settings, key) is str)
        for key, override in given.items()
        if key not in swept
    ]
    paths = setting_paths(schema.settings)
    pinned = frozenset(key for key in given if key in paths and key not in swept)
    tree = _compose(schema, plain)
    _share_with_members(tree, pinned)
    return Words(check_settings(schema.settings, tree), pinned, swept)


def run_command(schema: Schema[Any], main: Callable[[list[str]], int]) -> None:
    """Run ``main`` on the command line's words; a user's mistake is told without a traceback."""
    words = sys.argv[1:]
    if {"-h", "--help"} & set(words):
        print_help(schema)
        sys.exit(0)
    try:
        asked_seconds()  # a mistake would be found where a result is stored
        sys.exit(main(words))
    except (UserError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        print("stopped; every finished epoch is kept", file=sys.stderr)
        sys.exit(INTERRUPTED)


def tell(notes: Sequence[str]) -> None:
    """Print sentences that the user should know."""
    for note in notes:
        print(printable(f"note: {note}"), file=sys.stderr)


def process_start() -> datetime:
    """Return when this process began, in local time: its imports may have taken ten seconds."""
    return datetime.fromtimestamp(psutil.Process().create_time())


def print_help(schema: Schema[Any]) -> None:
    """Print every word of a command with its default and meaning."""
    console = Console()
    console.print(f"python -m {schema.command} [word=value ...]\n", markup=False)
    for group, options in schema.groups.items():
        console.print(f"{group}=  one of {', '.join(options)}", markup=False)
    table = Table("setting", "default", "meaning", box=None, pad_edge=False)
    for path in setting_paths(schema.settings):
        if path not in schema.groups:
            default, meaning = _described(schema.settings, path)
            table.add_row(path, default, meaning)
    console.print(table, markup=False)


def refuse_swept(given: Words[Any], why: str) -> None:
    """Raise UserError, with the reason ``why``, where a setting was given several values."""
    for path in given.swept:
        raise UserError(f"{path} was given several values; {why}")


def _share_with_members(tree: dict[str, Any], pinned: AbstractSet[str]) -> None:
    """Let what was typed, or belongs to the scale, count for every network of a recipe."""
    members = tree.get("members", {}).get("settings", {})
    shared = pinned | set(SCALES[tree["scale"]]) if members else pinned
    for own in members.values():
        for path in own.keys() & shared:
            del own[path]


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted paths as nested dicts."""
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        *sections, name = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return tree


def _parse(words: Sequence[str]) -> list[Override]:
    parser = OverridesParser.create()
    for word in words:
        if "=" not in word:
            raise UserError(f"'{word}' is no word=value; --help lists the words")
    try:
        return [parser.parse_override(word) for word in words]
    except HydraException as error:
        raise UserError(
            f"{str(error).splitlines()[0]}; words look like loss.name=focal "
            "(put quotes round a value with spaces or brackets)"
        ) from None


def _refuse_unknown(schema: Schema[Any], overrides: Any) -> None:
    known = [*setting_paths(schema.settings), *schema.groups]
    for override in overrides:
        key = override.key_or_group
        if override.type != OverrideType.CHANGE:
            raise UserError(f"{override.input_line}: write it without + or ~")
        if key not in known:
            raise unknown_name("word", key, known)
        if key in schema.groups and not _is_option(override, schema.groups[key]):
            raise unknown_name(key, override.input_line.partition("=")[2], schema.groups[key])


def _is_option(override: Override, options: Mapping[str, Any]) -> bool:
    value = override.value()
    return isinstance(value, str) and value in options


def _as_word(override: Override, *, is_text: bool) -> str:
    value, typed = override.value(), str(override.input_line)
    if isinstance(value, Sweep):
        values = ",".join(str(value) for value in override.sweep_string_iterator())
        return f"{override.key_or_group}=[{values}]"
    text = typed.partition("=")[2]
    if is_text and text[:1] not in ("'", '"'):
        # As text from the start: Hydra would make 2024_10_07 a number without its underscores.
        return f"{override.key_or_group}='{text}'"
    return typed


def _compose(schema: Schema[Any], words: Sequence[str]) -> dict[str, Any]:
    store = ConfigStore.instance()
    for group, options in schema.groups.items():
        for option, settings in options.items():
            named = {group: option} if schema.settings.model_fields[group].annotation is str else {}
            node = nested({**settings, **named})
            store.store(group=group, name=option, node=node, package="_global_")
    defaults = [
        "_self_",
        *({group: next(iter(options))} for group, options in schema.groups.items()),
    ]
    tree = schema.settings().model_dump(mode="json")
    store.store(name=schema.command, node={"defaults": defaults, **tree})
    with initialize(config_path=None, version_base="1.3"):
        try:
            settings = OmegaConf.to_container(compose(schema.command, list(words)), resolve=True)
        except (HydraException, OmegaConfBaseException) as error:
            raise UserError(str(error).splitlines()[0]) from None
    assert isinstance(settings, dict)
    return {str(key): value for key, value in settings.items()}


def _described(model: type[BaseModel], path: str) -> tuple[str, str]:
    field = _field(model, path)
    return str(field.default), field.description or ""


def _kind(model: type[BaseModel], path: str) -> Any:
    return _field(model, path).annotation if path in setting_paths(model) else None


def _field(model: type[BaseModel], path: str) -> FieldInfo:
    *sections, name = path.split(".")
    for section in sections:
        kind: Any = model.model_fields[section].annotation
        model = kind
    return model.model_fields[name]
