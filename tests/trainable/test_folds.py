"""Persons are on one side of a split, the same for every trial; only training is relabelled."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trainable.config import CvConfig, TrainConfig
from trainable.dataset import load_data
from trainable.fitting import Fit
from trainable.folds import Fold, LeakError, check_leaks, make_folds, training_labels, training_rows
from trainable.labels import MASK_OF_IMAGE, age_class, encode
from trainable.metrics import scores
from trainable.settings import UserError
from trainable.table import read_table

SEEDS = st.integers(0, 2**31 - 1)
SOME_FOLDS = st.integers(2, 4)


@pytest.fixture(scope="module")
def images(faces_root) -> pd.DataFrame:
    return read_table(faces_root).images


def persons_of(images: pd.DataFrame, rows: np.ndarray) -> list[str]:
    return sorted(images["person"].iloc[rows].unique())


@given(seed=SEEDS, folds=st.integers(1, 4))
def test_nobody_is_on_both_sides(images, seed, folds):
    config = CvConfig(folds=folds, validation_share=0.25, seed=seed)
    for fold in make_folds(images, config):
        sides = [set(persons_of(images, rows)) for rows in (fold.train, fold.validation)]
        assert not sides[0] & sides[1]
        assert len(fold.train) + len(fold.validation) == len(images)


@given(seed=SEEDS, folds=SOME_FOLDS)
def test_folds_predict_each_image_exactly_once(images, seed, folds):
    made = make_folds(images, CvConfig(folds=folds, seed=seed))
    assert len(made) == folds
    predicted = np.concatenate([fold.validation for fold in made])
    assert sorted(predicted) == list(images.index)


@given(seed=SEEDS, folds=SOME_FOLDS)
def test_folds_keep_the_shares_of_gender_and_age(images, seed, folds):
    strata = images["gender"] * 3 + age_class(images["age"])
    for fold in make_folds(images, CvConfig(folds=folds, seed=seed)):
        held_back = np.bincount(strata.iloc[fold.validation], minlength=6) / 7
        assert np.abs(held_back - 4 / folds).max() < 1


@given(seed=SEEDS, share=st.sampled_from([0.25, 0.5]))
def test_one_split_holds_back_the_share_of_each_stratum(images, seed, share):
    (fold,) = make_folds(images, CvConfig(validation_share=share, seed=seed))
    strata = images["gender"] * 3 + age_class(images["age"])
    assert np.bincount(strata.iloc[fold.validation]).tolist() == [4 * share * 7] * 6


@st.composite
def tables_of_images(draw: st.DrawFn) -> pd.DataFrame:
    """Images of 2 to 40 persons of each gender and age class, seven images a person."""
    counts = draw(st.lists(st.integers(2, 40), min_size=6, max_size=6))
    groups = np.repeat(np.arange(6), counts)
    persons = pd.DataFrame(
        {
            "person": [f"{number:06d}" for number in range(len(groups))],
            "gender": groups // 3,
            "age": np.array([20, 40, 60])[groups % 3],
        }
    )
    images = persons.merge(pd.DataFrame({"mask": list(MASK_OF_IMAGE.values())}), how="cross")
    return images.assign(label=encode(images["mask"], images["gender"], age_class(images["age"])))


@given(table=tables_of_images(), folds=st.integers(2, 5), seed=SEEDS)
def test_folds_have_as_equal_shares_of_the_18_classes_as_whole_persons_allow(table, folds, seed):
    persons = table.groupby("label")["person"].nunique()
    assume(persons.min() >= folds)
    made = make_folds(table, CvConfig(folds=folds, seed=seed))
    counts = np.array([np.bincount(table["label"].iloc[fold.validation]) for fold in made])
    per_person = np.repeat([5, 1, 1], 6)
    assert (counts % per_person == 0).all()
    held_back = counts // per_person
    assert (held_back >= np.floor(persons / folds).to_numpy()).all()
    assert (held_back <= np.ceil(persons / folds).to_numpy()).all()


@given(table=tables_of_images(), share=st.floats(0.1, 0.5), seed=SEEDS)
def test_one_split_has_the_share_of_each_of_the_18_classes(table, share, seed):
    persons = table.groupby("label")["person"].nunique()
    assume(math.ceil(share * table["person"].nunique()) >= 6)
    (fold,) = make_folds(table, CvConfig(validation_share=share, seed=seed))
    held_back = np.bincount(table["label"].iloc[fold.validation], minlength=18) / (
        [5] * 6 + [1] * 12
    )
    # All shares are exact but for rounding: that of the whole to a person, and that of a class.
    assert (np.abs(held_back - share * persons.to_numpy()) <= 2).all()


def test_training_on_all_leaves_nobody_to_validate(images):
    (fold,) = make_folds(images, CvConfig(folds=0))
    assert np.array_equal(fold.train, images.index)
    assert fold.validation.size == 0
    assert images["label"].to_numpy()[fold.validation].size == 0
    check_leaks(images, np.array([str(row) for row in images.index], "S32"), [fold])


def test_training_on_all_takes_classes_of_one_person(images):
    one_man = images[(images["gender"] == 1) | (images["age"] == 19)].reset_index(drop=True)
    (fold,) = make_folds(one_man, CvConfig(folds=0))
    assert len(fold.train) == 13 * 7


@given(seed=SEEDS, folds=SOME_FOLDS)
def test_folds_do_not_depend_on_the_order_of_the_table(images, seed, folds):
    shuffled = images.sample(frac=1, random_state=seed).reset_index(drop=True)
    config = CvConfig(folds=folds, seed=seed)
    for fold, other in zip(make_folds(images, config), make_folds(shuffled, config), strict=True):
        assert persons_of(images, fold.validation) == persons_of(shuffled, other.validation)


def test_trials_of_all_settings_are_judged_on_the_same_persons(tiny):
    other = tiny.with_values(
        {"train.seed": 7, "train.age_cutoff": 58, "train.drop_below_30": 3, "loss.name": "f1"}
    )
    assert np.array_equal(Fit(tiny).rows, Fit(other).rows)


def test_another_split_seed_holds_back_others(images):
    first, second = (make_folds(images, CvConfig(validation_share=0.25, seed=s)) for s in (0, 1))
    assert not np.array_equal(first[0].validation, second[0].validation)


def test_too_few_persons_of_a_class_are_named(images):
    old_men = images[(images["gender"] == 0) & (images["age"] >= 60)]["person"].unique()
    fewer = images[~images["person"].isin(old_men[1:])].reset_index(drop=True)
    for config in (CvConfig(validation_share=0.25), CvConfig(folds=2)):
        with pytest.raises(UserError, match=r"have 1 person.s. that are male and >=60.* needs 2"):
            make_folds(fewer, config)


def test_more_folds_than_persons_of_a_class_are_refused(images):
    with pytest.raises(UserError, match=r"4 person.* needs 5: lower cv.folds or add persons"):
        make_folds(images, CvConfig(folds=5))


def test_share_too_small_for_a_person_of_each_class_is_refused(images):
    with pytest.raises(UserError, match=r"cv.validation_share"):
        make_folds(images, CvConfig(validation_share=0.05))


def test_person_on_both_sides_is_a_leak(images):
    digests = np.array([str(row) for row in images.index], "S32")
    leaking = Fold(train=np.arange(14), validation=np.arange(13, 28))
    with pytest.raises(LeakError, match="the same person is in training and validation: train/"):
        check_leaks(images, digests, [leaking])


def test_identical_image_on_both_sides_is_a_leak_and_within_a_side_is_none(images):
    digests = np.array([str(row) for row in images.index], "S32")
    fold = Fold(train=np.arange(14), validation=np.arange(14, 28))
    digests[1] = digests[0]
    check_leaks(images, digests, [fold])
    digests[20] = digests[0]
    with pytest.raises(LeakError, match=r"the same image .*mask1.jpg, .*mask2.jpg"):
        check_leaks(images, digests, [fold])


def test_border_elimination_leaves_ages_out_of_training(images):
    everyone = Fold(train=images.index.to_numpy(), validation=np.array([], int))
    config = TrainConfig(drop_below_30=3, drop_below_60=3)
    ages = images["age"].iloc[training_rows(images, everyone, config)]
    assert sorted(ages.unique()) == [19, 22, 25, 35, 45, 60, 63, 70]


def test_training_rows_are_the_fold_s_without_border_elimination(images):
    fold = make_folds(images, CvConfig(folds=2))[0]
    assert np.array_equal(training_rows(images, fold, TrainConfig()), fold.train)


def test_border_elimination_leaves_validation_whole(tiny):
    dropping = tiny.with_values({"train.drop_below_30": 10, "train.drop_below_60": 10})
    folds = load_data(tiny.data).folds(tiny.cv)
    assert np.array_equal(Fit(dropping).rows, folds[0].validation)


def test_cutoff_trains_58_as_old_and_changes_nobody_else(images):
    moved = training_labels(images, TrainConfig(age_cutoff=59)) != images["label"]
    assert set(images["age"][moved]) == {59}
    assert np.array_equal(training_labels(images, TrainConfig()), images["label"])


def test_cutoff_never_changes_the_labels_that_are_scored(tiny):
    fit = Fit(tiny.with_values({"train.age_cutoff": 57, "cv.folds": 2}))
    epoch = fit.step()
    images = fit.data.images.iloc[fit.rows]
    true = encode(images["mask"], images["gender"], images["age"].map(lambda age: age // 30))
    assert (images["age"].between(57, 59)).any()
    assert epoch.metrics == scores(true, fit.validation.argmax(axis=1))
