"""What does a new search try first? What earlier experiments found good, or the teams."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.earlier import Beginning, Earlier, read_earlier
from orchestrator.portfolio import Past, Tried, portfolio
from orchestrator.projection import contradiction, project
from trainable.config import TrialConfig
from trainable.recipes.catalogue import RECIPES
from trainable.recipes.recipe import Recipe
from trainable.records import FirstTrial
from trainable.settings import UserError, Value
from trainable.storage_errors import UnreadableFileError
from trainable.store import all_experiments, open_experiment

ALL, TEAMS, NONE = "all", "recipes", "none"
"""Words of search.history= that are no experiment's name."""
FIRST = 8
"""Configurations that history may give."""


@dataclass(frozen=True)
class History:
    """What is tried first, the best first, and a sentence for each thing that does not fit."""

    first: Sequence[FirstTrial] = ()
    notes: Sequence[str] = ()


def read_history(words: Sequence[str], search: Beginning, size: int = FIRST) -> History:
    """Return up to ``size`` configurations of what ``search.history=`` names.

    Experiments come first, recipes where they leave room; ``all`` with nothing to learn from means
    recipes. Raises UserError for an experiment that is unknown, or named and damaged.
    """
    check_words(words)
    earlier, notes = _earlier(words, search)
    first = _of_experiments(earlier, search, size)
    nothing_learned = ALL in words and not first
    if nothing_learned:
        notes.append(f"{search.runs} holds no trial to learn from: recipes are tried first")
    if nothing_learned or TEAMS in words:
        recipes, refused = _of_recipes(search)
        first, notes = [*first, *recipes], [*notes, *refused]
    return History(_distinct(first)[:size], notes)


def check_words(words: Sequence[str]) -> None:
    """Raise UserError for words of ``search.history=`` that contradict each other."""
    others = [word for word in words if word not in (ALL, TEAMS)]
    if NONE in words and len(words) > 1:
        raise UserError(f"search.history={','.join(words)}: {NONE} stands alone")
    if ALL in words and others:
        raise UserError(
            f"search.history={','.join(words)}: {ALL} names every experiment; leave out "
            f"{','.join(others)}"
        )


def _earlier(words: Sequence[str], search: Beginning) -> tuple[list[Earlier], list[str]]:
    """Return the experiments that the words name, and a sentence for what does not fit."""
    earlier: list[Earlier] = []
    notes: list[str] = []
    for folder in all_experiments(search.runs) if ALL in words else []:
        try:
            earlier += [read_earlier(folder, search)] if folder.trials() else []
        except UnreadableFileError as error:
            notes.append(f"{folder.name} is left out: {error}")
    names = [word for word in words if word not in (ALL, TEAMS, NONE)]
    named = [open_experiment(search.runs, name) for name in names]
    distinct = {folder.name: folder for folder in named}  # latest names one of the others
    earlier += [read_earlier(folder, search) for folder in distinct.values()]
    return earlier, [*notes, *(note for one in earlier for note in one.notes)]


def _of_experiments(earlier: Sequence[Earlier], search: Beginning, size: int) -> list[FirstTrial]:
    seen = {f"{one.name}/{name}": trial for one in earlier for name, trial in one.trials.items()}
    return [
        FirstTrial(
            values=dict(choice.values),
            source=choice.source,
            reason="; ".join([choice.reason, *seen[choice.source].projected.changes]),
        )
        for choice in portfolio(_pasts(earlier), search.space.domains(), size)
    ]


def _pasts(earlier: Sequence[Earlier]) -> list[Past]:
    return [
        Past(
            name=one.name,
            trials=[
                Tried(name, trial.projected.values, trial.score)
                for name, trial in one.trials.items()
            ],
        )
        for one in earlier
    ]


def _of_recipes(search: Beginning) -> tuple[list[FirstTrial], list[str]]:
    """Return the teams' recipes as the space holds them, and a sentence for those it cannot."""
    first: list[FirstTrial] = []
    refused: list[str] = []
    for name, recipe in RECIPES.items():
        settings = _of_one_network(recipe)
        projected = project(TrialConfig().with_values(settings), search.space, search.base)
        if why := contradiction(projected.values, search.base):
            refused.append(f"recipe {name} contradicts the search: left out ({why})")
            continue
        beyond = [path for path in settings if path not in search.space.parameters]
        unsearched = [f"not searched here: {', '.join(beyond)}"] if beyond else []
        reason = "; ".join([recipe.source, *projected.changes, *unsearched])
        values = dict(projected.values)
        first.append(FirstTrial(values=values, source=f"recipe {name}", reason=reason))
    return first, refused


def _of_one_network(recipe: Recipe) -> dict[str, Value]:
    """Return a recipe's settings without those that its networks have for themselves."""
    settings = dict(recipe.foundation)
    for technique in recipe.techniques.values():
        settings |= technique
    return settings


def _distinct(first: Sequence[FirstTrial]) -> list[FirstTrial]:
    """Return the configurations that have values, equal ones once."""
    found: dict[frozenset[tuple[str, Value]], FirstTrial] = {}
    for one in first:
        if one.values:
            found.setdefault(frozenset(one.values.items()), one)
    return list(found.values())
