"""What exactly will a search do? Everything checked before anything is started."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from orchestrator.config import SCHEMA, SearchConfig
from orchestrator.deadline import End, asked_end
from orchestrator.grid import grid_points
from orchestrator.narrow import narrow
from search_spaces.catalogue import space_named
from search_spaces.ends import check_space, end_values
from search_spaces.language import Space, choice
from trainable.command_line import read_words, tell
from trainable.config import TrialConfig, trial_part
from trainable.ignored import ignored_settings
from trainable.recipes.recipe import Settings
from trainable.records import ConfirmedTrial
from trainable.settings import UserError, Value


@dataclass(frozen=True)
class Plan:
    """A checked search: its words and settings, the trials' base and the space that varies it."""

    words: tuple[str, ...]
    config: SearchConfig
    base: TrialConfig
    space: Space
    notes: tuple[str, ...] = ()
    """Typed settings that have no effect, a sentence each."""
    points: tuple[Settings, ...] = ()
    """What the trials are if they are listed, not drawn from the space."""
    confirms: tuple[ConfirmedTrial, ...] = ()
    """Stored trials that these train again."""
    command: str = SCHEMA.command
    """The module that was called, and that goes on with the search."""


def make_plan(words: Sequence[str]) -> Plan:
    """Read and check the words of a search; raise UserError for a mistake."""
    given = read_words(SCHEMA, words)
    base = trial_part(given.settings)
    space = narrow(space_named(given.settings.space, given.pinned), given.swept, base)
    check_space(space, base)
    _refuse_incomparable(space, base)
    notes = ignored_settings(base, given.pinned | set(given.swept), space.parameters)
    points, more = _grid(given.settings, space, base)
    return Plan(tuple(words), given.settings, base, space, (*notes, *more), points)


def _grid(
    config: SearchConfig, space: Space, base: TrialConfig
) -> tuple[tuple[Settings, ...], list[str]]:
    """Return the points of a grid, if one is asked for, and a sentence where it has more."""
    trials = config.search.trials
    if config.search.sampler != "grid":
        return (), []
    points = grid_points(partial(space.suggest, base=base), trials + 1)
    more = f"the grid has more combinations than search.trials={trials}: the first are tried"
    return tuple(points[:trials]), [more] if len(points) > trials else []


def _refuse_incomparable(space: Space, base: TrialConfig) -> None:
    found = {base.with_values(values).tasks for values in end_values(space, base)}
    if len(found) > 1:
        answered = " or ".join(sorted(" and ".join(tasks) for tasks in found))
        raise UserError(
            f"the trials would answer {answered}: scores of different tasks do not compare; pin "
            "model.heads= or members.use= and search them one after the other"
        )


def listed_space(question: str, points: Sequence[Settings], base: TrialConfig) -> Space:
    """Return the space that holds the base and some listed points, and nothing else."""
    values: dict[str, list[Value]] = {}
    for point in points:
        for path, value in point.items():
            known = values.setdefault(path, [base.value(path)])
            if value not in known:
                known.append(value)
    return Space(question, {path: choice(*known) for path, known in values.items()})


def distinct_configs(plan: Plan) -> list[TrialConfig]:
    """Return one configuration for each kind of trial, of what a check could find fault with.

    That is the data, the network, the training rows that halves are joined of, and the precision.
    """
    found: dict[object, TrialConfig] = {}
    for values in plan.points or [{}, *end_values(plan.space, plan.base)]:
        config = plan.base.with_values(values)
        kinds = [
            (
                *(one.data, one.model, one.machine, one.optim.sam_rho > 0),
                one.augment.horizontal_cutmix > 0 and (one.cv, one.train),
            )
            for one in config.member_configs().values()
        ]
        found.setdefault(tuple(kinds), config)
    return list(found.values())


def end_of(plan: Plan, now: datetime) -> End | None:
    """Return when everything must be ready, counted from ``now``; UserError if that is over."""
    end = asked_end(plan.config.search.budget, plan.config.search.finish_by, now)
    tell([end.note] if end and end.note else [])
    return end
