import numpy as np
import pandas as pd
import pytest

from analysis.data.counts import Group, count
from analysis.data.summary import summary
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.sections.data import DataConfig
from trainable.settings import UserError

LEFT_OUT = [("female", "22"), ("male", "63"), ("male", "70"), ("male", "57")]


def counted(root):
    return count(load_data(DataConfig(root=str(root), skip_unreadable=True)))


@pytest.fixture
def uneven(own_faces):
    """Twenty persons: male 4, 3, 2 and female 3, 4, 4 of the three age brackets."""
    file = own_faces / "train" / "train.csv"
    persons = pd.read_csv(file, dtype=str)
    persons[
        [
            kind not in LEFT_OUT
            for kind in persons[["gender", "age"]].itertuples(index=False, name=None)
        ]
    ].to_csv(file, index=False)
    return own_faces


def test_persons_and_images_of_each_class_are_counted(uneven):
    expected = [
        Group(f"{mask}, {gender}, {age}", persons, each * persons)
        for mask, each in [("worn", 5), ("incorrect", 1), ("not worn", 1)]
        for gender, brackets in [("male", (4, 3, 2)), ("female", (3, 4, 4))]
        for age, persons in zip(("<30", "30-59", ">=60"), brackets, strict=True)
    ]
    assert counted(uneven).classes == expected


def test_persons_and_images_of_each_task_are_counted(uneven):
    found = counted(uneven)
    assert found.total == Group("all", 20, 140)
    assert found.eval_images == 36
    assert found.tasks == {
        "mask": [Group("worn", 20, 100), Group("incorrect", 20, 20), Group("not worn", 20, 20)],
        "gender": [Group("male", 9, 63), Group("female", 11, 77)],
        "age": [Group("<30", 7, 49), Group("30-59", 7, 49), Group(">=60", 6, 42)],
    }
    assert found.brackets == {
        "male": {"<30": 4, "30-59": 3, ">=60": 2},
        "female": {"<30": 3, "30-59": 4, ">=60": 4},
    }


def test_persons_of_each_year_are_counted_by_gender(uneven):
    years = counted(uneven).years
    assert years.index.tolist() == [19, 22, 25, 28, 35, 45, 57, 59, 60, 63, 70]
    assert years["male"].tolist() == [1, 1, 1, 1, 1, 1, 0, 1, 2, 0, 0]
    assert years["female"].tolist() == [1, 0, 1, 1, 1, 1, 1, 1, 2, 1, 1]


def test_an_unreadable_image_is_counted_as_unreadable_alone(own_faces):
    file = next(own_faces.glob("train/images/*_male_Asian_19/normal.*"))
    file.write_bytes(b"")
    eval_file = next(own_faces.glob("eval/images/*"))
    eval_file.write_bytes(b"")
    found = counted(own_faces)
    assert found.total == Group("all", 24, 167)
    assert found.eval_images == 35
    assert found.tasks["mask"][2] == Group("not worn", 23, 23)
    assert found.unreadable == [
        (f"train/images/{file.parent.name}/{file.name}", "the file is empty"),
        (f"eval/images/{eval_file.name}", "the file is empty"),
    ]


def test_data_without_a_readable_training_image_are_an_error(own_faces):
    for file in own_faces.glob("train/images/*/*"):
        file.write_bytes(b"")
    with pytest.raises(UserError, match=r"no training image of .* can be read"):
        counted(own_faces)


def test_a_class_without_images_has_zero_and_is_named(own_faces):
    file = own_faces / "train" / "train.csv"
    persons = pd.read_csv(file, dtype=str)
    old_men = (persons.gender == "male") & (persons.age.astype(int) >= 60)
    persons[~old_men].to_csv(file, index=False)
    found = counted(own_faces)
    assert found.classes[2] == Group("worn, male, >=60", 0, 0)
    assert summary(found, TrialConfig())[-1] == (
        "No image is of the class worn, male, >=60; incorrect, male, >=60; not worn, male, >=60: "
        "no trial can learn it."
    )


def test_summary_says_the_numbers_in_words(uneven):
    config = TrialConfig().with_values({"cv.folds": 1, "cv.validation_share": 0.5})
    assert summary(counted(uneven), config) == [
        "20 persons with 140 training images (7 each), and 36 eval images to predict.",
        "Of the training images, by mask: 71% worn, 14% incorrect, 14% not worn; "
        "by gender: 45% male, 55% female; by age: 35% <30, 35% 30-59, 30% >=60.",
        f"Ages run from 19 to 70 years, the median is {np.median([45, 45]):g}.",
        "The smallest class is “incorrect, male, >=60” with 2 images of 2 persons (1.4% of all). "
        "With cv.validation_share=0.5 about 1 are predicted: one more or less right moves the "
        "recall of this class by 1.00.",
    ]


def test_summary_tells_unreadable_images(own_faces):
    next(own_faces.glob("eval/images/*")).write_bytes(b"")
    assert summary(counted(own_faces), TrialConfig())[0] == (
        "24 persons with 168 training images (7 each), and 35 eval images to predict. "
        "1 more cannot be read and are not counted here."
    )


@pytest.mark.parametrize(
    ("folds", "sentence"),
    [
        (0, "(2.4% of all)."),
        (
            1,
            "(2.4% of all). With cv.validation_share=0.5 about 2 are predicted: one more or less "
            "right moves the recall of this class by 0.50.",
        ),
        (
            2,
            "(2.4% of all). With cv.folds=2 each is predicted once, about 2 a fold: one more or "
            "less right moves the recall of this class by 0.25.",
        ),
    ],
)
def test_summary_weighs_an_image_of_the_smallest_class_as_the_split_does(
    faces_root, folds, sentence
):
    config = TrialConfig().with_values({"cv.folds": folds, "cv.validation_share": 0.5})
    assert summary(counted(faces_root), config)[-1].endswith(sentence)


def test_summary_counts_the_persons_that_settings_move_or_leave_out(uneven):
    config = TrialConfig().with_values({"train.age_cutoff": 57, "train.drop_below_30": 2})
    assert summary(counted(uneven), config)[3:5] == [
        "train.age_cutoff=57 trains 3 persons below 60 as old.",
        "train.drop_below_30=2 leaves 2 persons of 28 to 29 years out of training.",
    ]
    config = TrialConfig().with_values({"train.drop_below_60": 2})
    assert summary(counted(uneven), config)[3] == (
        "train.drop_below_60=2 leaves 2 persons of 58 to 59 years out of training."
    )
