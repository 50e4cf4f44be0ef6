"""What exactly will a confirmation train? Its words, and everything checked before it starts.

The seeds are other ones than any the search trained with, and the persons are split into folds
anew, the same way for all: neither a lucky start nor a lucky split comes back. The persons do. With
cv.folds=1 the search scored its trials on some of them and now all are scored: the others chose
nothing. With several folds it scored them on all, and what luck a configuration has with these very
persons stays in its score: only its training is judged anew.
"""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.config import SchedulerSection, SearchConfig
from orchestrator.confirm_words import SCHEMA, ConfirmConfig
from orchestrator.leaders import (
    best_configurations,
    finished_trials,
    named_configurations,
    searched_experiment,
)
from orchestrator.plan import Plan, listed_space
from trainable.command_line import Words, read_words, refuse_swept
from trainable.config import TrialConfig
from trainable.experiment import check_unchanged, versions
from trainable.locations import folder_named
from trainable.recipes.recipe import Settings
from trainable.records import SEED, ConfirmedTrial, ExperimentRecord, TrialResults
from trainable.settings import UserError, check_settings
from trainable.store import ExperimentFolder


def make_confirmation(words: Sequence[str]) -> Plan:
    """Read and check the words of a confirmation; raise UserError for a mistake."""
    given = read_words(SCHEMA, words)
    refuse_swept(given, "a confirmation trains trials as they were")
    config = given.settings
    folder = searched_experiment(folder_named(config.search.runs), config.experiment)
    record, finished = folder.read_record(), finished_trials(folder)
    leaders = _leaders(given, folder, finished)
    searched = base_of(record)
    for leader in leaders:
        _check_leader(folder, finished, leader, searched)
    base = searched.with_values(
        {"cv.folds": config.folds, "cv.fidelity": "epochs", "cv.seed": searched.cv.seed + 1}
    )
    first = 1 + max(results.record.config.train.seed for results in finished.values())
    points = tuple(points_of(leaders, range(first, first + config.seeds)))
    question = (
        f"What are the leaders of {folder.name} worth, with {config.seeds} other seeds and "
        f"{config.folds} other folds?"
    )
    return Plan(
        words=tuple(_settled(words, folder, leaders)),
        config=_one_trial_a_point(config, folder, len(points)),
        base=base,
        space=listed_space(question, points, base),
        notes=tuple(_notes(folder, record)),
        points=points,
        confirms=tuple(leaders),
        command=SCHEMA.command,
    )


def points_of(leaders: Sequence[ConfirmedTrial], seeds: Sequence[int]) -> Iterator[Settings]:
    """Yield each leader with the first seed, then with the next: a budget cuts all alike."""
    for seed in seeds:
        for leader in leaders:
            yield {**leader.values, SEED: seed}


def base_of(record: ExperimentRecord) -> TrialConfig:
    """Return the settings that the trials of an experiment start from."""
    own = {name: record.settings.get(name, {}) for name in TrialConfig.model_fields}
    return check_settings(TrialConfig, own)


def _leaders(
    given: Words[ConfirmConfig], folder: ExperimentFolder, finished: dict[str, TrialResults]
) -> list[ConfirmedTrial]:
    config = given.settings
    if config.trials and "top" in given.pinned:
        raise UserError("choose --top or trials=, not both")
    if config.trials:
        return named_configurations(folder, finished, config.trials)
    return best_configurations(folder, finished, config.top)


def _check_leader(
    folder: ExperimentFolder,
    finished: Mapping[str, TrialResults],
    leader: ConfirmedTrial,
    searched: TrialConfig,
) -> None:
    """Raise UserError where a trial could not be trained again as it was."""
    trial = folder.trial(leader.trial.rpartition("/")[2])
    record = finished[trial.name].record
    again = searched.with_values({**leader.values, SEED: record.config.train.seed})
    if again.identity() != record.config.identity():
        raise UserError(f"{leader.trial} has settings that {folder.name} does not vary")
    check_unchanged(trial, record)


def _settled(
    words: Sequence[str], folder: ExperimentFolder, leaders: Sequence[ConfirmedTrial]
) -> Iterator[str]:
    """Yield words that mean the same later, when others lead or another experiment is latest."""
    yield f"experiment={folder.name}"
    yield f"trials=[{','.join(leader.trial.rpartition('/')[2] for leader in leaders)}]"
    for word in words:
        if word.partition("=")[0] not in ("experiment", "top", "trials"):
            yield word


def _one_trial_a_point(
    config: ConfirmConfig, folder: ExperimentFolder, points: int
) -> SearchConfig:
    """Return the words of a search that trains each point to its end."""
    search = config.search.model_dump()
    search["name"] = config.search.name or f"{folder.name}-confirmed"
    search |= {"trials": points, "history": ("none",)}
    scheduler = SchedulerSection(name="fifo")
    tree = {"search": search, "cluster": config.cluster, "scheduler": scheduler}
    return SearchConfig.model_validate({**tree, "space": (f"confirm-{folder.name}",)})


def _notes(folder: ExperimentFolder, record: ExperimentRecord) -> Iterator[str]:
    if record.versions.get("code") != versions()["code"]:
        yield f"{folder.name} was trained by other code: its scores may differ for that alone"
