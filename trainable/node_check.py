"""May this machine train the search's trials? Only with the driver's code, data and storage."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainable.config import DETECTED, TrialConfig
from trainable.dataset import load_data
from trainable.experiment import versions
from trainable.known_data import Start, last_start, load_data_as_of
from trainable.settings import UserError
from trainable.store import ExperimentFolder


@dataclass(frozen=True)
class Expected(Start):
    """What all machines of a search must have in common: the code, and the data of its start.

    ``views`` are (settings of data as JSON, view) of the networks that all trials begin with.
    """

    code: str
    views: Sequence[tuple[str, str]] = ()


def expected_of(experiment: ExperimentFolder, base: TrialConfig) -> Expected:
    """Return what a stored search expects of the machines that train its trials: this one's."""
    start = last_start(experiment)
    views = [
        (own.data.model_dump_json(), load_data(own.data).view)
        for own in base.member_configs().values()
        if own.data.face_boxes != DETECTED  # another processor may find a face a pixel aside
    ]
    return Expected(start.at, start.data, versions()["code"], views)


def why_unfit(config: TrialConfig, experiment: ExperimentFolder, expected: Expected) -> str:
    """Return why this machine must not train a trial, empty where it may.

    Trials compare only where they are trained by the same code on the same images and labels.
    """
    if not experiment.is_there():
        return f"it does not see {experiment.path}: use a folder that all machines share, or s3://"
    if versions()["code"] != expected.code:
        return f"it has other code ({versions()['code']}) than the driver ({expected.code})"
    views = dict(expected.views)
    try:
        for own in config.member_configs().values():
            load_data_as_of(own.data, expected, views.get(own.data.model_dump_json(), ""))
    except UserError as error:
        return str(error)
    return ""
