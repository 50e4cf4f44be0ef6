"""Whose labels look wrong? Persons by how surely, from out-of-fold probabilities and cleanlab."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray

from analysis.person_evidence import Evidence, Kind, gather
from trainable.labels import MIDDLE_AGE, OLD_AGE, TASK_CLASSES

FAR = 10
"""An age is suspected only when so many years from the bracket that the networks see: faces of
nearer ones look alike, and the age may be right."""
EXPECTED = 0.01
"""Share of labels that are taken to be wrong before anybody looks."""
LAST_YEARS = (MIDDLE_AGE - 1, OLD_AGE - 1)
"""The oldest of the first and of the middle bracket."""


@dataclass(frozen=True)
class Suspect:
    """A person with a label that looks wrong; ``confidence`` (0..1) says how surely.

    ``fixes`` are fields and their right values, as data.label_fixes takes them.
    """

    person: str
    kind: Kind
    age: float
    given: str
    suggested: str
    confidence: float
    fixes: Mapping[str, str]


def suspects(evidence: Evidence, ages: Mapping[str, float]) -> list[Suspect]:
    """Return the persons whose label cleanlab finds wrong, the surest first.

    It estimates from the confident predictions how many labels of each kind are wrong, and takes so
    many of the least likely ones (Northcutt et al. 2021, confident learning). Weak networks make it
    take too many: what counts is the order. The confidence is the probability that the label is
    wrong, if a share EXPECTED is, by Bayes' rule. ``ages`` are years, by person.
    """
    probabilities = evidence.probabilities()
    if probabilities is None:
        return []
    found = find_label_issues(evidence.labels, probabilities, n_jobs=1)
    # Of swapped images each pair comes twice; the second time says nothing new.
    places = {evidence.persons[i]: int(i) for i in reversed(np.flatnonzero(found))}
    named = [_suspect(evidence, probabilities[i], i, ages) for i in places.values()]
    return surest_first([one for one in named if one is not None])


def find_suspects(
    stacks: Mapping[Kind, Sequence[NDArray[np.floating]]], images: pd.DataFrame
) -> list[Suspect]:
    """Return all suspects, the surest first.

    ``stacks`` has for each kind the probabilities (N, 18) of the networks that can tell; ``images``
    (N rows) the columns person, label and age.
    """
    ages = dict(zip(images["person"].map(str), images["age"].astype(float), strict=True))
    found = [suspects(gather(kind, stack, images), ages) for kind, stack in stacks.items()]
    return surest_first([one for some in found for one in some])


def surest_first(found: Sequence[Suspect]) -> list[Suspect]:
    """Return suspects by confidence, highest first; equal ones by name."""
    return sorted(found, key=lambda one: (-one.confidence, one.person, one.kind))


def _suspect(
    evidence: Evidence, row: NDArray[np.float64], place: int, ages: Mapping[str, float]
) -> Suspect | None:
    person, given, suggested = evidence.persons[place], int(evidence.labels[place]), row.argmax()
    age = ages[person]
    if given == suggested or (evidence.kind == "age" and _years_to(int(suggested), age) < FAR):
        return None
    confidence = _probability_of_error(row[suggested], row[given], len(row))
    names = _names(evidence.kind)
    fixes = _fixes(evidence.kind, int(suggested), age)
    return Suspect(
        person, evidence.kind, age, names[given], names[int(suggested)], confidence, fixes
    )


def _probability_of_error(other: float, own: float, labels: int) -> float:
    """Of ``labels`` labels each other one is given instead of the right one equally often."""
    wrong, right = EXPECTED / (labels - 1) * other, (1 - EXPECTED) * own
    return float(wrong / (wrong + right))


def _names(kind: Kind) -> Sequence[str]:
    return ("swapped", "as labelled") if kind == "swapped" else TASK_CLASSES[kind]


def _fixes(kind: Kind, suggested: int, age: float) -> dict[str, str]:
    if kind == "swapped":
        masks = TASK_CLASSES["mask"]
        return {"normal": masks[1], "incorrect_mask": masks[2]}
    if kind == "gender":
        return {"gender": TASK_CLASSES["gender"][suggested]}
    return {"age": str(_nearest_year(suggested, age))}


def _nearest_year(bracket: int, age: float) -> int:
    """Return the year of a bracket that changes an age least."""
    first = (0, MIDDLE_AGE, OLD_AGE)[bracket]
    return first if age < first else LAST_YEARS[bracket]


def _years_to(bracket: int, age: float) -> float:
    return abs(age - _nearest_year(bracket, age))
