"""Mask, gender and age make one of 18 classes, and come back from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainable.labels import (
    CLASS_COUNT,
    CLASS_NAMES,
    MASK_OF_IMAGE,
    TASK_SIZES,
    TASKS,
    age_class,
    decode,
    encode,
    task_probabilities,
)


@pytest.mark.parametrize(
    ("mask", "gender", "age", "label"), [(0, 0, 0, 0), (0, 1, 2, 5), (1, 0, 1, 7), (2, 1, 2, 17)]
)
def test_class_is_six_masks_plus_three_genders_plus_age(mask, gender, age, label):
    assert encode(mask, gender, age) == label


def test_all_classes_survive_decoding_and_encoding():
    labels = np.arange(CLASS_COUNT)
    assert np.array_equal(encode(**decode(labels)), labels)
    assert [len(np.unique(decode(labels)[task])) for task in TASKS] == list(TASK_SIZES)


def test_class_names_stand_in_the_order_of_the_classes():
    assert len(CLASS_NAMES) == CLASS_COUNT
    assert CLASS_NAMES[5] == "worn, female, >=60"
    assert CLASS_NAMES[12] == "not worn, male, <30"


def test_ages_change_class_at_30_and_60():
    assert age_class([0, 29, 29.5, 30, 59, 59.5, 60, 99]).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def test_cutoff_moves_only_the_border_of_the_old():
    assert age_class([29, 30, 57, 58, 60], cutoff=58).tolist() == [0, 1, 1, 2, 2]


def test_masks_of_a_person_stand_five_to_one_to_one():
    assert np.bincount(list(MASK_OF_IMAGE.values())).tolist() == [5, 1, 1]


def test_task_probabilities_put_a_certain_class_into_its_parts():
    certain = np.eye(CLASS_COUNT)
    parts = task_probabilities(certain)
    for task, classes in decode(np.arange(CLASS_COUNT)).items():
        assert np.array_equal(parts[task].argmax(axis=1), classes)


@given(st.integers(0, 2**32 - 1))
def test_task_probabilities_sum_to_one(seed):
    joint = np.random.default_rng(seed).dirichlet(np.ones(CLASS_COUNT), 5)
    for task, size in zip(TASKS, TASK_SIZES, strict=True):
        assert task_probabilities(joint)[task].shape == (5, size)
        assert task_probabilities(joint)[task].sum(axis=1) == pytest.approx(1)
