"""The images of a person vote together, and a swap is a question about two of them."""

import numpy as np
import pandas as pd
import pytest

from analysis.person_evidence import SMALLEST, Evidence, gather
from trainable.labels import encode, join_tasks

MASKS = [0, 0, 0, 0, 0, 1, 2]


def images_of(genders: list[int], ages: list[int]) -> pd.DataFrame:
    rows = [
        (f"p{number}", int(encode(mask, gender, age)))
        for number, (gender, age) in enumerate(zip(genders, ages, strict=True))
        for mask in MASKS
    ]
    return pd.DataFrame(rows, columns=["person", "label"])


def seen(mask: np.ndarray, gender: np.ndarray, age: np.ndarray) -> np.ndarray:
    return join_tasks({"mask": mask, "gender": gender, "age": age})


def undecided(count: int, classes: int) -> np.ndarray:
    return np.full((count, classes), 1 / classes)


def test_log_odds_of_a_person_are_the_mean_of_its_images():
    gender = np.array([[0.5, 0.5], [0.2, 0.8]] * 7)
    images = images_of([0, 1], [1, 2])
    found = gather("gender", [seen(undecided(14, 3), gender, undecided(14, 3))], images)
    # The first person has four undecided images and three of 4 to 1, the second the other way.
    assert found.log_odds[:, 0] == pytest.approx([np.log(4) * 3 / 7, np.log(4) * 4 / 7])
    assert (found.persons, found.labels.tolist()) == (["p0", "p1"], [0, 1])


def test_each_network_and_each_further_class_is_a_column():
    one = np.full((14, 18), 1 / 18)
    assert gather("age", [one, one, one], images_of([0, 1], [1, 2])).log_odds.shape == (2, 6)


def test_pair_as_labelled_is_weighed_against_the_pair_swapped():
    mask = np.array([[0.8, 0.1, 0.1]] * 5 + [[0.0, 0.6, 0.4], [0.0, 0.3, 0.7]])
    network = seen(mask, undecided(7, 2), undecided(7, 3))
    found = gather("swapped", [network], images_of([0], [1]))
    # As labelled 0.6 x 0.7, swapped 0.4 x 0.3; then the same pair in the other order.
    assert found.log_odds[:, 0] == pytest.approx([np.log(0.42 / 0.12), -np.log(0.42 / 0.12)])
    assert (found.persons, found.labels.tolist()) == (["p0", "p0"], [1, 0])


def test_probabilities_of_0_are_no_proof():
    mask = np.array([[1.0, 0, 0]] * 5 + [[0.0, 1, 0], [0.0, 0, 1]])
    found = gather("swapped", [seen(mask, undecided(7, 2), undecided(7, 3))], images_of([0], [1]))
    assert found.log_odds[0, 0] == pytest.approx(-2 * np.log(SMALLEST))


def test_person_with_one_of_the_two_images_is_not_asked_about_a_swap():
    images = images_of([0, 1], [1, 1]).iloc[:13]
    found = gather("swapped", [np.full((13, 18), 1 / 18)], images)
    assert found.persons == ["p0", "p0"]


def test_networks_that_know_nothing_give_the_shares_of_the_labels():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 20])
    persons = [str(i) for i in range(80)]
    found = Evidence("gender", persons, labels, random.normal(0, 1e-9, (80, 1))).probabilities()
    assert found.mean(axis=0) == pytest.approx([0.75, 0.25], abs=0.02)


def test_overconfident_networks_are_believed_as_far_as_they_are_right():
    random = np.random.default_rng(0)
    labels = np.arange(2000) % 2
    truth = np.where(random.random(2000) < 0.7, labels, 1 - labels)
    odds = np.where(truth == 1, 9.0, -9.0)[:, np.newaxis]
    found = Evidence("gender", [str(i) for i in range(2000)], labels, odds).probabilities()
    assert found.max(axis=1).mean() == pytest.approx(0.7, abs=0.03)


def test_swapped_pairs_have_mirrored_probabilities():
    random = np.random.default_rng(0)
    odds = random.normal(3, 2, (50, 2))
    both = Evidence(
        "swapped",
        [str(i) for i in range(50)] * 2,
        np.repeat([1, 0], 50),
        np.concatenate([odds, -odds]),
    )
    found = both.probabilities()
    assert found[:50, 0] == pytest.approx(found[50:, 1])


def test_label_of_one_person_alone_cannot_be_learned():
    assert Evidence("age", ["a", "b"], np.array([0, 1]), np.zeros((2, 2))).probabilities() is None
    assert Evidence("age", ["a", "b"], np.array([1, 1]), np.zeros((2, 2))).probabilities() is None
