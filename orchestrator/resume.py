"""With which words does a stored search go on, and is it still the same search?"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestrator.config import Asking
from orchestrator.plan import Plan
from trainable.command_line import Schema, read_words
from trainable.config import DataConfig
from trainable.dataset import FaceData
from trainable.experiment import versions
from trainable.locations import folder_named
from trainable.records import ExperimentRecord, Resumption
from trainable.settings import UserError
from trainable.store import ExperimentFolder, now, open_experiment

FILES = ("root", "face_boxes", "label_fixes")
"""Settings of ``data`` that name files."""
CHANGEABLE = (
    *("search.trials", "search.budget", "search.finish_by", "search.keep"),
    *("cluster.", "log."),
)
"""Beginnings of the words that a resumed search may be given anew."""
SHOWN = ", ".join(f"{path}*" if path.endswith(".") else path for path in CHANGEABLE)
SAFE_ADDRESS = re.compile(r"(auto|(ray://)?(localhost|127(\.\d{1,3}){3})(:\d+)?)?")
"""What a stored search may join without being told to again: this machine, and its own cluster."""
NOT_KEPT = ("resume", "search.runs", "search.anyway")
"""Words that are about resuming itself."""


@dataclass(frozen=True)
class Resumed:
    """A stored search, and the words with which it goes on."""

    folder: ExperimentFolder
    record: ExperimentRecord
    words: list[str]
    anyway: bool

    def accept(self, plan: Plan, data: FaceData) -> Resumption:
        """Return what is written down when the search goes on, with what has changed meanwhile.

        UserError where something has changed and nobody said that it may.
        """
        refuse_other_images(self.folder, data)
        changes = list(changed(self.record, plan, data))
        if changes and not self.anyway:
            raise UserError(
                f"{self.folder.name} is no longer the search it was:\n"
                + "\n".join(f"  {change}" for change in changes)
                + "\nGo on all the same with search.anyway=true, or start a new search"
            )
        return Resumption(
            at=now(),
            words=list(plan.words),
            data_fingerprint=data.fingerprint,
            changes=changes,
        )


def resumed(asked: Asking, words: Sequence[str], schema: Schema[Any]) -> Resumed:
    """Find the search that ``resume=`` names; UserError where it cannot go on like that."""
    name, own = asked.resume, {path_of(word): word for word in words}
    folder = open_experiment(folder_named(asked.search.runs), name)
    record = folder.read_record()
    others = [
        word
        for path, word in own.items()
        if path not in NOT_KEPT and not path.startswith(CHANGEABLE)
    ]
    if others:
        raise UserError(
            f"resume={name} goes on as it was asked; leave out {' '.join(sorted(others))} (what "
            f"may change: {SHOWN})"
        )
    if record.command != schema.command:
        raise UserError(f"{name} goes on with: python -m {record.command} resume={name}")
    if folder.trials() and not folder.journal.exists():
        raise UserError(
            f"{name} cannot go on: {folder.journal} is missing, which says how far it was"
        )
    stored = [word for word in words_of(record, schema) if path_of(word) not in own]
    _refuse_foreign_cluster(name, stored)
    fresh = [word for path, word in own.items() if path not in ("resume", "search.anyway")]
    return Resumed(folder, record, [*stored, *fresh], asked.search.anyway)


def _refuse_foreign_cluster(name: str, stored: Sequence[str]) -> None:
    """Raise UserError where a stored search, perhaps somebody else's, would join other machines."""
    for word in stored:
        path, _, address = word.partition("=")
        if path == "cluster.address" and not SAFE_ADDRESS.fullmatch(address.strip("'\"")):
            raise UserError(
                f"resume={name} would join the cluster at {address}, which can run anything here: "
                f"say so with {word}, or write another cluster.address="
            )


def words_of(record: ExperimentRecord, schema: Schema[Any]) -> list[str]:
    """Return the words of a stored search, with the files that they named from where it started."""
    try:
        stored = DataConfig.model_validate(record.settings["data"])
    except (KeyError, ValidationError):
        raise UserError(f"experiment.json of {record.experiment} has no settings of data") from None
    files = {f"data.{name}": getattr(stored, name) for name in FILES}
    pinned = read_words(schema, record.words).pinned & files.keys()
    return [
        f"{path_of(word)}='{files[path_of(word)]}'" if path_of(word) in pinned else word
        for word in record.words
    ]


def path_of(word: str) -> str:
    """Return the path that a word sets."""
    return word.partition("=")[0]


def refuse_other_images(folder: ExperimentFolder, data: FaceData) -> None:
    """Raise UserError where stored predictions would belong to other images."""
    pairs = (
        (folder.read_images()[["image", "person", "label"]], data.images),
        (folder.read_eval_images()[["image"]], data.eval_images),
    )
    for stored, found in pairs:
        if stored.to_numpy().tolist() != found[list(stored)].to_numpy().tolist():
            raise UserError(
                f"{data.source} holds other images, persons or labels than when {folder.name} was "
                "started: its stored predictions belong to rows that are no longer there. Put "
                "them back, or start a new search"
            )


def changed(record: ExperimentRecord, plan: Plan, data: FaceData) -> Iterator[str]:
    """Yield what is no longer as the search was started."""
    if record.data_fingerprint != data.fingerprint:
        yield f"the data in {data.source} (pixels of images)"
    space = plan.space.as_json()
    for path in sorted(record.space.keys() | space.keys()):
        before, after = record.space.get(path, "not searched"), space.get(path, "not searched")
        if before != after:
            yield f"the space: {path} was {before}, and is {after}"
    for name, version in versions().items():
        before = record.versions.get(name, "unknown")
        if before != version:
            what = "the code of trainable" if name == "code" else name
            yield f"{what}: was {before}, and is {version}"
