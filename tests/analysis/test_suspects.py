"""Wrong labels come first, ages near a border never."""

import numpy as np
import pandas as pd
import pytest

from analysis.person_evidence import Evidence
from analysis.suspects import FAR, find_suspects, suspects
from trainable.labels import MASK_OF_IMAGE, age_class, encode, join_tasks

PERSONS = 120
WRONG_GENDER, SWAPPED, WRONG_AGE = {"p003", "p050"}, {"p007", "p090"}, {"p020"}


def noisy(classes: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Probabilities of networks that are mostly right."""
    logits = random.normal(0, 1, (len(classes), count))
    logits[np.arange(len(classes)), classes] += 3
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def planted():
    """Three networks that saw what is true, and a table with labels that are not."""
    random = np.random.default_rng(0)
    names = np.array([f"p{number:03d}" for number in range(PERSONS)])
    genders, ages = np.arange(PERSONS) % 2, random.integers(18, 70, PERSONS)
    ages[20] = 22
    person = np.repeat(np.arange(PERSONS), 7)
    masks = np.tile(list(MASK_OF_IMAGE.values()), PERSONS)
    swapped = np.isin(names[person], list(SWAPPED)) & (masks > 0)
    true_masks = np.where(swapped, 3 - masks, masks)
    stack = [
        join_tasks(
            {
                "mask": noisy(true_masks, 3, random),
                "gender": noisy(genders[person], 2, random),
                "age": noisy(age_class(ages)[person], 3, random),
            }
        )
        for _ in range(3)
    ]
    given = np.where(np.isin(names, list(WRONG_GENDER)), 1 - genders, genders)
    years = np.where(np.isin(names, list(WRONG_AGE)), 65, ages)
    labels = encode(masks, given[person], age_class(years)[person])
    images = pd.DataFrame({"person": names[person], "label": labels, "age": years[person]})
    return stack, images


def test_planted_wrong_labels_are_listed_each_of_its_kind_and_no_other(planted):
    stack, images = planted
    found = find_suspects(dict.fromkeys(("gender", "age", "swapped"), stack), images)
    listed = {(one.person, one.kind) for one in found}
    expected = [("gender", WRONG_GENDER), ("swapped", SWAPPED), ("age", WRONG_AGE)]
    assert listed == {(person, kind) for kind, persons in expected for person in persons}
    confidences = [one.confidence for one in found]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0.4 < one < 1 for one in confidences)


def test_fixes_are_what_data_label_fixes_takes(planted):
    stack, images = planted
    found = find_suspects(dict.fromkeys(("gender", "age", "swapped"), stack), images)
    fixes = {one.person: dict(one.fixes) for one in found[:5]}
    assert fixes["p003"] == {"gender": "female"}
    assert fixes["p050"] == {"gender": "male"}
    assert fixes["p007"] == {"normal": "incorrect", "incorrect_mask": "not worn"}
    assert fixes["p020"] == {"age": "29"}


def test_kinds_that_no_network_answers_are_not_asked(planted):
    stack, images = planted
    assert {one.kind for one in find_suspects({"gender": stack}, images)} == {"gender"}


@pytest.mark.parametrize(
    ("age", "seen", "expected"),
    [(28 + FAR, 0, []), (29 + FAR, 0, ["29"]), (31 - FAR, 1, []), (30 - FAR, 1, ["30"])],
)
def test_age_is_suspect_only_far_from_the_bracket_that_networks_see(age, seen, expected):
    """One person of an age that networks place in bracket ``seen``, among others told rightly."""
    labels = np.append(np.arange(150) % 3, age_class(age))
    odds = np.zeros((151, 2))
    for bracket in (1, 2):
        odds[:, bracket - 1] = np.where(np.append(labels[:150], seen) == bracket, 6.0, 0)
    odds[np.append(labels[:150], seen) == 0] = -6.0
    persons = [str(number) for number in range(151)]
    found = suspects(Evidence("age", persons, labels, odds), dict.fromkeys(persons, float(age)))
    assert [one.fixes["age"] for one in found if one.person == "150"] == expected


def test_undecided_networks_suspect_nobody_confidently():
    images = pd.DataFrame(
        {
            "person": np.repeat([f"p{i}" for i in range(30)], 7),
            "label": np.concatenate(
                [encode(list(MASK_OF_IMAGE.values()), i % 2, i % 3) for i in range(30)]
            ),
            "age": 40.0,
        }
    )
    blank = np.full((210, 18), 1 / 18)
    found = find_suspects({kind: [blank] for kind in ("gender", "age", "swapped")}, images)
    assert max([one.confidence for one in found], default=0) < 0.05
