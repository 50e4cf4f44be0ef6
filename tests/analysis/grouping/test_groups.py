"""Images of a person are found together, whatever else networks see in them and however few."""

import numpy as np
import pytest
from made_up import MASKS

from analysis.grouping.groups import IMAGES_EACH, found_groups, share_of_right_pairs

WIDTH = 512
"""More directions than 20 persons have images."""


def features_of(persons: int, alike: float) -> tuple[np.ndarray, np.ndarray]:
    """Return features (7 persons, WIDTH) that tell masks apart first, and whose they are."""
    random = np.random.default_rng(0)
    codes = np.repeat(np.arange(persons), IMAGES_EACH)
    own, of_masks = random.normal(size=(persons, WIDTH)), random.normal(size=(3, WIDTH))
    noise = random.normal(size=(len(codes), WIDTH))
    found = alike * own[codes] + 4 * of_masks[np.tile(MASKS, persons)] + noise
    return found / np.linalg.norm(found, axis=1, keepdims=True), codes


@pytest.mark.parametrize("persons", [20, 40, 100])
def test_persons_are_found_though_masks_are_seen_first(persons):
    features, codes = features_of(persons, alike=1.0)
    assert share_of_right_pairs(found_groups([features]), codes) > 0.9


def test_features_without_persons_find_none():
    features, codes = features_of(40, alike=0.0)
    assert share_of_right_pairs(found_groups([features]), codes) < 0.1


def test_two_networks_find_more_than_one():
    features, codes = features_of(100, alike=0.35)
    halves = np.split(features, 2, axis=1)
    one, both = (share_of_right_pairs(found_groups(some), codes) for some in (halves[:1], halves))
    assert both > one


def test_no_group_has_more_images_than_a_person():
    features, _ = features_of(30, alike=0.2)
    groups = found_groups([features])
    assert np.bincount(groups).max() <= IMAGES_EACH
    assert set(groups) == set(range(groups.max() + 1))


def test_right_pairs_are_counted_within_groups():
    groups, persons = np.array([0, 0, 0, 1, 1, 2]), np.array(["a", "a", "b", "c", "c", "c"])
    assert share_of_right_pairs(groups, persons) == 2 / 4


def test_where_nothing_is_together_nothing_is_wrong():
    assert share_of_right_pairs(np.arange(3), np.array(["a", "a", "b"])) == 1
