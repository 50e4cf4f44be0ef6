"""May this machine train the search's trials? Only with the driver's code, data and storage."""

import functools
from dataclasses import dataclass

from trainable.config import DataConfig, TrialConfig
from trainable.experiment import versions
from trainable.known_data import load_data_as_of
from trainable.settings import UserError
from trainable.store import ExperimentFolder


@dataclass(frozen=True)
class Expected:
    """What all machines of a search must have in common: the code, and the data by fingerprint."""

    code: str
    data: str


def why_unfit(config: TrialConfig, experiment: ExperimentFolder, expected: Expected) -> str:
    """Return why this machine must not train a trial, empty where it may.

    Trials compare only where they are trained by the same code on the same images and labels.
    """
    if not experiment.is_there():
        return f"it does not see {experiment.path}: use a folder that all machines share, or s3://"
    if versions()["code"] != expected.code:
        return f"it has other code ({versions()['code']}) than the driver ({expected.code})"
    data = tuple(own.data for own in config.member_configs().values())
    return _why_other_data(data, expected.data)


@functools.lru_cache(maxsize=64)
def _why_other_data(data: tuple[DataConfig, ...], fingerprint: str) -> str:
    try:
        seen = [load_data_as_of(own, fingerprint) for own in data]
    except UserError as error:
        return str(error)
    if seen[0].fingerprint() != fingerprint:
        return f"{seen[0].root} holds other images or labels there than on the driver's machine"
    return ""
