"""The score is scikit-learn's macro-F1 over the classes that occur."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from trainable.labels import CLASS_COUNT, encode
from trainable.metric_names import METRICS, SCORE, main_score, score_name
from trainable.metrics import macro_f1, scores


@given(st.integers(0, 2**32 - 1))
def test_macro_f1_is_that_of_scikit_learn_where_all_classes_occur(seed):
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(CLASS_COUNT), random.integers(0, CLASS_COUNT, 40)])
    predicted = random.integers(0, CLASS_COUNT, len(labels))
    expected = f1_score(labels, predicted, average="macro", zero_division=0)
    assert macro_f1(labels, predicted) == pytest.approx(expected)


def test_macro_f1_by_hand():
    # class 0: precision 1, recall 1/2, F1 2/3; class 1: precision 1/2, recall 1, F1 2/3
    assert macro_f1([0, 0, 1], [0, 1, 1]) == pytest.approx(2 / 3)


def test_class_that_is_only_predicted_has_no_f1_of_its_own():
    # class 0: precision 1, recall 1/2; class 7 is no label and does not pull the mean down
    assert macro_f1([0, 0], [0, 7]) == pytest.approx(2 / 3)


@pytest.mark.filterwarnings("error")
def test_class_that_is_never_predicted_counts_as_zero():
    assert macro_f1([0, 1], [0, 0]) == pytest.approx((2 / 3 + 0) / 2)


def test_wrong_age_costs_the_joint_and_the_age_score_alone():
    masks, genders = np.array([0, 1, 2, 0]), np.array([0, 1, 0, 1])
    labels, predicted = encode(masks, genders, [0, 1, 2, 0]), encode(masks, genders, [1, 1, 2, 0])
    found = scores(labels, predicted)
    assert found["mask_f1"] == found["gender_accuracy"] == 1
    assert found["accuracy"] == found["age_accuracy"] == 0.75
    assert found[SCORE] == 0.75
    assert found["age_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_faultless_predictions_score_one_in_every_metric():
    labels = np.arange(CLASS_COUNT)
    assert scores(labels, labels) == dict.fromkeys(METRICS, 1.0)


def test_model_for_some_tasks_is_scored_by_their_mean():
    labels, predicted = (
        encode([0, 1, 2], [0, 0, 1], [0, 1, 2]),
        encode([0, 1, 2], [0, 0, 0], [2] * 3),
    )
    found = scores(labels, predicted, ("mask", "gender"))
    assert set(found) == {"mask_f1", "mask_accuracy", "gender_f1", "gender_accuracy"}
    assert main_score(found) == pytest.approx((1 + (0.8 + 0) / 2) / 2)
    assert score_name(found) == "F1 of mask and gender"


def test_main_score_of_a_model_for_all_tasks_is_macro_f1():
    labels = np.arange(CLASS_COUNT)
    found = scores(labels, np.roll(labels, 1))
    assert main_score(found) == found[SCORE] == 0
    assert score_name(found) == "macro-F1"
    assert found["mask_f1"] > 0
