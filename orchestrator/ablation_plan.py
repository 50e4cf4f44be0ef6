"""What exactly will an ablation train? Its words, and everything checked before it starts."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator

from orchestrator.ablation import Mode, Row, ablation_rows, free_techniques
from orchestrator.config import SearchConfig
from orchestrator.plan import Plan, listed_space
from trainable.command_line import TRIAL_GROUPS, Schema, read_words, refuse_swept
from trainable.config import TrialConfig, trial_part
from trainable.ignored import ignored_settings
from trainable.recipes.catalogue import RECIPES, SCALES
from trainable.recipes.recipe import Recipe, Settings
from trainable.settings import UserError, unknown_name

ALL = ("all",)
SEARCH_WORDS = (
    *("space", "scheduler.", "search.trials", "search.sampler", "search.seed"),
    "search.history",
)


class AblationConfig(SearchConfig):
    """Every word of an ablation; the trials' own settings are what its recipe is tried with."""

    mode: Mode = Field(
        default="remove",
        description="remove: the recipe without each technique; add: the plain model with each "
        "alone; ladder: one added after the other",
    )
    techniques: tuple[str, ...] = Field(
        default=(), description="which; empty: the recipe's; all: also what its team tried beside"
    )
    seeds: int = Field(default=1, ge=1, le=100, description="trainings of each line")

    @field_validator("techniques", mode="before")
    @classmethod
    def _one_technique_needs_no_brackets(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


SCHEMA = Schema(
    command="orchestrator.ablate",
    settings=AblationConfig,
    groups=TRIAL_GROUPS,
    lists=frozenset({"techniques", "space", "search.history"}),
)


@dataclass(frozen=True)
class Ablation(Plan):
    """A checked ablation: a plan whose trials are the lines of a table, once for each seed."""

    rows: tuple[Row, ...] = ()
    seeds: int = 1


def make_ablation(words: Sequence[str]) -> Ablation:
    """Read and check the words of an ablation; raise UserError for a mistake."""
    given = read_words(SCHEMA, words)
    refuse_swept(given, "an ablation varies its techniques alone")
    _refuse_search_words(given.pinned)
    config, base = given.settings, trial_part(given.settings)
    recipe, pinned = _recipe(config), given.pinned | set(SCALES[config.scale])
    free = free_techniques(recipe, _names(config, recipe), pinned)
    rows = ablation_rows(recipe, config.mode, [name for name in free if free[name]], pinned)
    points = [point for row in rows for point in points_of(row, config.seeds, base)]
    for point in points:
        base.with_values(point)
    question = f"Which techniques of {config.recipe} help, one change at a time?"
    space = listed_space(question, points, base)
    notes = ignored_settings(base, given.pinned, space.parameters)
    return Ablation(
        words=tuple(words),
        config=_one_trial_a_point(config, len(points)),
        base=base,
        space=space,
        notes=(*notes, *_given_parts(recipe, free, given.pinned)),
        points=tuple(points),
        command=SCHEMA.command,
        rows=tuple(rows),
        seeds=config.seeds,
    )


def points_of(row: Row, seeds: int, base: TrialConfig) -> list[Settings]:
    """Return the trials of a line."""
    if seeds == 1:
        return [row.values]
    return [{**row.values, "train.seed": base.train.seed + i} for i in range(seeds)]


def _refuse_search_words(pinned: AbstractSet[str]) -> None:
    for path in sorted(pinned):
        if path.startswith(SEARCH_WORDS):
            raise UserError(
                f"{path} says how a search chooses; an ablation trains each line to its end"
            )


def _recipe(config: AblationConfig) -> Recipe:
    recipe = RECIPES[config.recipe]
    if not recipe.techniques:
        having = ", ".join(name for name, known in RECIPES.items() if known.techniques)
        raise UserError(f"recipe={config.recipe} has no techniques to take away; choose {having}")
    return recipe


def _names(config: AblationConfig, recipe: Recipe) -> Sequence[str]:
    known = recipe.known()
    if config.techniques == ALL:
        return list(known)
    for name in config.techniques:
        if name not in known:
            raise unknown_name(f"technique of {config.recipe}", name, known)
    return config.techniques or list(recipe.steps())


def _given_parts(
    recipe: Recipe, free: Mapping[str, Settings], typed: AbstractSet[str]
) -> list[str]:
    """Return a sentence for each technique of which something was typed, and so stays."""
    known = recipe.known()
    notes: list[str] = []
    for name, own in free.items():
        given = sorted(known[name].keys() & typed)
        if given:
            rest = "the rest of it is varied" if own else "it is left out"
            notes.append(f"{name}: {' and '.join(given)} stays as it was given; {rest}")
    return notes


def _one_trial_a_point(config: AblationConfig, points: int) -> AblationConfig:
    """Return the words of a search that trains each point to its end."""
    tree = config.model_dump()
    tree["space"] = (f"ablate-{config.recipe}",)
    tree["search"]["trials"] = points
    tree["scheduler"]["name"] = "fifo"
    return AblationConfig.model_validate(tree)
