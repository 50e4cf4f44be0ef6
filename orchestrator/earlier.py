"""What did an earlier experiment find, as far as a new search's space holds it?"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.projection import Projected, contradiction, project
from search_spaces.language import Space
from trainable.config import TrialConfig
from trainable.locations import Location
from trainable.records import ExperimentRecord, TrialResults, compact
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder


@dataclass(frozen=True)
class Beginning:
    """A search that is about to start: where it is kept, what it varies, and on which data."""

    runs: Location
    space: Space
    base: TrialConfig
    data_fingerprint: str


@dataclass(frozen=True)
class Seen:
    """A stored trial as the space holds it, the tasks it answers, and its best score so far."""

    projected: Projected
    tasks: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Earlier:
    """An earlier experiment: its trials by name, and a sentence for each thing that differs."""

    name: str
    trials: Mapping[str, Seen]
    notes: Sequence[str]


def read_earlier(folder: ExperimentFolder, search: Beginning) -> Earlier:
    """Return what an experiment says to a search; UnreadableFileError where its record is damaged.

    Failed trials say nothing, and neither do those without an epoch or with values that the search
    cannot take.
    """
    record = folder.read_record()
    stored, damaged = _stored_trials(folder)
    seen = dict(_seen(stored, search))
    refused = {name: contradiction(one.projected.values, search.base) for name, one in seen.items()}
    kept = {name: one for name, one in seen.items() if not refused[name]}
    notes = [
        *_whole(record, search),
        *_answered(seen.values(), search.base),
        *_values(seen.values(), search.space),
        *_left_out("cannot be read", damaged, len(stored) + len(damaged)),
        *_left_out("contradict the search", list(filter(None, refused.values())), len(seen)),
        *([] if kept else ["has no trial to learn from"]),
    ]
    return Earlier(folder.name, kept, [f"{folder.name} {note}" for note in notes])


def _stored_trials(folder: ExperimentFolder) -> tuple[dict[str, TrialResults], list[str]]:
    """Return the trials that can be read, and what is wrong with the others."""
    stored: dict[str, TrialResults] = {}
    damaged: list[str] = []
    for trial in folder.trials():
        try:
            stored[trial.name] = trial.read()
        except UnreadableFileError as error:
            damaged.append(str(error))
    return stored, damaged


def _seen(stored: Mapping[str, TrialResults], search: Beginning) -> Iterator[tuple[str, Seen]]:
    for name, results in stored.items():
        is_mixed = bool(results.record.mixed_from)
        if results.best is not None and results.outcome.status != "failed" and not is_mixed:
            config = results.record.config
            projected = project(config, search.space, search.base)
            yield name, Seen(projected, config.tasks, results.best.score)


def _whole(record: ExperimentRecord, search: Beginning) -> Iterator[str]:
    """Yield what differs between the searches."""
    if record.data_fingerprint != search.data_fingerprint:
        yield "was trained on other data"
    if only_there := sorted(record.space.keys() - search.space.parameters.keys()):
        yield f"searched {', '.join(only_there)} too, which is the same in all trials here"


def _answered(seen: Collection[Seen], base: TrialConfig) -> Iterator[str]:
    for tasks in sorted({one.tasks for one in seen} - {base.tasks}):
        asked = " and ".join(base.tasks)
        yield f"was scored on {' and '.join(tasks)}, and this search is on {asked}"


def _values(seen: Collection[Seen], space: Space) -> Iterator[str]:
    """Yield what the space does not hold of the trials' values, and what they do not say of it."""
    moved = Counter(path for one in seen for path in one.projected.moved)
    if moved:
        yield f"goes beyond the range of {_listed(moved, len(seen))}: the nearest end is taken"
    foreign = Counter(
        compact({path: value}) for one in seen for path, value in one.projected.foreign.items()
    )
    if foreign:
        yield f"has {_listed(foreign, len(seen))}, no choice here: drawn instead"
    told = {path for one in seen for path in one.projected.values}
    if seen and (untold := [path for path in space.parameters if path not in told]):
        yield f"says nothing of {', '.join(untold)}"


def _left_out(why: str, reasons: Sequence[str], total: int) -> Iterator[str]:
    if reasons:
        yield f"has {len(reasons)} of {total} trials that {why}: left out ({reasons[0]})"


def _listed(counts: Counter[str], total: int) -> str:
    return ", ".join(f"{name} ({count} of {total})" for name, count in counts.items())
