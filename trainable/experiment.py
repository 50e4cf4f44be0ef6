"""What is written down before an experiment starts?"""

import functools
import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainable.dataset import FaceData, load_data
from trainable.records import (
    ConfirmedTrial,
    ExperimentRecord,
    FirstTrial,
    Resumption,
    TrialRecord,
)
from trainable.settings import UserError
from trainable.store import ExperimentFolder, experiment_of, now
from trainable.trial_folder import TrialFolder

RECORDED_PACKAGES = ("torch", "timm", "albumentations", "numpy", "ray", "optuna", "scikit-learn")


@dataclass(frozen=True)
class Asked:
    """What an experiment was asked: the question, the command and words, settings and space.

    ``first`` is what history gave to start with, ``confirms`` what a confirmation trains again.
    """

    question: str
    command: str
    words: Sequence[str]
    settings: Mapping[str, object]
    space: Mapping[str, str]
    first: Sequence[FirstTrial] = ()
    confirms: Sequence[ConfirmedTrial] = ()


def start_experiment(folder: ExperimentFolder, asked: Asked, seen: Sequence[FaceData]) -> None:
    """Write what was asked, of which data and by which code, and the tables of images.

    ``seen`` is the data as each kind of network sees it: other crops, other label fixes.
    """
    data = seen[0]
    folder.write_images(data.images, data.eval_images)
    folder.write_record(
        ExperimentRecord(
            experiment=folder.name,
            question=asked.question,
            command=asked.command,
            words=list(asked.words),
            settings=dict(asked.settings),
            space=dict(asked.space),
            first=list(asked.first),
            confirms=list(asked.confirms),
            data_root=data.source,
            data_fingerprint=data.fingerprint,
            skipped_images=data.skipped,
            faceless_images=sorted(set[str]().union(*(one.faceless for one in seen))),
            fixed_labels=max(one.fixed_labels for one in seen),
            versions=versions(),
            started=[now()],
        )
    )


def add_start(folder: ExperimentFolder, again: Resumption) -> None:
    """Write down that an experiment was resumed: when, with which words, and what had changed."""
    record = folder.read_record()
    folder.write_record(
        record.model_copy(
            update={
                "words": again.words,
                "data_fingerprint": again.data_fingerprint,
                "started": [*record.started, again.at],
                "resumed": [*record.resumed, again],
            }
        )
    )


def check_same_data(folder: ExperimentFolder, data: FaceData) -> None:
    """Raise UserError where the data are no longer those that an experiment was trained on."""
    record = folder.read_record()
    if record.data_fingerprint != data.fingerprint:
        raise UserError(
            f"the data in {data.source} have changed since {folder.name} was started: its stored "
            "predictions belong to other images. Put them back, or start a new experiment"
        )


def check_same_views(record: TrialRecord, views: Mapping[str, str]) -> None:
    """Raise UserError where label fixes or face boxes are no longer what a trial trained on."""
    if record.views != views:
        data = record.config.data
        raise UserError(
            f"{record.trial} was trained on other labels or crops: what data.label_fixes="
            f"{data.label_fixes!r} or data.face_boxes={data.face_boxes!r} names has changed since"
        )


def refuse_mixed(record: TrialRecord) -> None:
    """Raise UserError where a trial's weights were mixed from others': nothing trains it again."""
    if record.mixed_from:
        raise UserError(
            f"{record.trial} was mixed from the weights of {', '.join(record.mixed_from)} and not "
            "trained: train those again, and mix them with python -m trainable.soup"
        )


def check_unchanged(trial: TrialFolder, record: TrialRecord) -> None:
    """Raise UserError where a stored trial could not be trained again on what it was trained on."""
    refuse_mixed(record)
    members = record.config.member_configs()
    seen = {name: load_data(own.data) for name, own in members.items()}
    check_same_data(experiment_of(trial), next(iter(seen.values())))
    check_same_views(record, {name: data.view for name, data in seen.items()})


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions that a trial's numbers depend on; ``code`` hashes this package."""
    found = {name: importlib.metadata.version(name) for name in RECORDED_PACKAGES}
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    return {"code": digest.hexdigest()[:12], **found}
