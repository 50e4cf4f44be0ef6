import numpy as np
import pytest

from analysis.grouping.groups import IMAGES_EACH, found_groups, share_of_right_pairs


def faces(persons: int, noise: float, images: int = IMAGES_EACH) -> tuple[np.ndarray, np.ndarray]:
    """Return features (N, 64) of length 1 around a point for each person, and whose they are."""
    random = np.random.default_rng(0)
    owners = random.permutation(np.repeat(np.arange(persons), images))
    points = random.normal(size=(persons, 64))[owners] + noise * random.normal(size=(1, 64))
    points += noise * random.normal(size=points.shape)
    return points / np.linalg.norm(points, axis=1, keepdims=True), owners


def test_images_that_lie_together_are_one_person():
    features, owners = faces(40, noise=0.2)
    groups = found_groups([features])
    assert share_of_right_pairs(groups, owners) == 1
    assert len(np.unique(groups)) == 40


def test_no_group_is_larger_than_a_person():
    features, _ = faces(10, noise=0.2, images=20)
    assert np.bincount(found_groups([features])).max() == IMAGES_EACH


def test_images_without_anything_in_common_are_grouped_by_chance():
    features, _ = faces(60, noise=0.2)
    owners = np.random.default_rng(1).permutation(np.repeat(np.arange(60), IMAGES_EACH))
    assert share_of_right_pairs(found_groups([features]), owners) < 0.1


def test_a_second_network_that_sees_persons_helps_one_that_sees_none():
    features, owners = faces(40, noise=0.2)
    blind = np.random.default_rng(2).normal(size=features.shape)
    blind /= np.linalg.norm(blind, axis=1, keepdims=True)
    alone, both = (
        share_of_right_pairs(found_groups(seen), owners) for seen in ([blind], [blind, features])
    )
    assert alone < 0.1
    assert both > 0.5


@pytest.mark.parametrize(
    ("groups", "persons", "share"),
    [
        ([0, 0, 1, 1], list("aabb"), 1.0),
        ([0, 0, 0, 1], list("aabb"), 1 / 3),
        ([0, 1, 2, 3], list("aabb"), 1.0),
        ([5, 7, 5, 7], list("aabb"), 0.0),
    ],
)
def test_share_of_right_pairs_counts_pairs_within_groups(groups, persons, share):
    assert share_of_right_pairs(np.array(groups), np.array(persons)) == pytest.approx(share)
