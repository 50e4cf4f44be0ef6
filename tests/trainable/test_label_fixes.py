"""Label fixes correct exactly the training labels that they name, or say what is wrong."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trainable.label_fixes import KNOWN_FILE, fixed_images
from trainable.labels import GENDERS, MASK_OF_IMAGE, age_class, encode
from trainable.settings import UserError
from trainable.table import read_table

YOUNG_MAN, OTHER_MAN = "000000_male_Asian_19", "000000_male_Asian_22"
WRONGLY_FEMALE = [f"00{number}" for number in range(6359, 6365)]
WRONGLY_MALE = ["001498-1", "004432"]
SWAPPED = ["000020", "004418", "005227"]


@pytest.fixture(scope="module")
def images(faces_root: Path) -> pd.DataFrame:
    return read_table(faces_root).images


def written(folder: Path, *lines: str) -> str:
    file = folder / "fixes.csv"
    file.write_text("\n".join(["id,field,value", *lines]) + "\n")
    return str(file)


def table_of(genders: dict[str, str]) -> pd.DataFrame:
    """The images of 40-year-olds: id -> gender as train.csv has it."""
    rows = [
        (f"train/images/{id_}_{gender}_Asian_40/{image}.jpg", id_, GENDERS[gender], mask)
        for id_, gender in genders.items()
        for image, mask in MASK_OF_IMAGE.items()
    ]
    table = pd.DataFrame(rows, columns=["image", "id", "gender", "mask"]).assign(age=40)
    table["person"] = table["image"].str.split("/").str[2]
    return table.assign(label=encode(table["mask"], table["gender"], age_class(table["age"])))


@pytest.fixture
def competition() -> pd.DataFrame:
    """The persons of the known list, labelled as the competition does, and two others."""
    genders = dict.fromkeys([*WRONGLY_FEMALE, *SWAPPED, "001498", "009999"], "female")
    return table_of({**genders, **dict.fromkeys(WRONGLY_MALE, "male")})


def changed(before: pd.DataFrame, after: pd.DataFrame) -> set[str]:
    return set(after["image"][(before != after).any(axis=1)])


def test_no_fixes_change_nothing(images):
    assert fixed_images(images, "").equals(images)


@pytest.mark.parametrize("name", [OTHER_MAN, "000003"])
def test_person_is_named_by_path_or_id(images, tmp_path, name):
    images = images[images["person"] != "000003_male_Asian_57"].reset_index(drop=True)
    person = OTHER_MAN if name == OTHER_MAN else "000003_male_Asian_59"
    fixed = fixed_images(images, written(tmp_path, f"{name},gender,female"))
    of_person = images["person"] == person
    assert (fixed["gender"][of_person] == 1).all()
    assert (fixed["label"][of_person] == images["label"][of_person] + 3).all()
    assert changed(images, fixed) == set(images["image"][of_person])


def test_age_moves_all_images_of_a_person_to_its_class(images, tmp_path):
    fixed = fixed_images(images, written(tmp_path, f"{YOUNG_MAN},age,60"))
    of_person = images["person"] == YOUNG_MAN
    assert (fixed["age"][of_person] == 60).all()
    assert fixed["label"][of_person].tolist() == [2, 2, 2, 2, 2, 8, 14]
    assert len(changed(images, fixed)) == 7


@pytest.mark.parametrize(
    ("image", "value", "label"), [("mask3", "not worn", 12), ("normal", "incorrect", 6)]
)
def test_mask_changes_one_image(images, tmp_path, image, value, label):
    fixed = fixed_images(images, written(tmp_path, f"{YOUNG_MAN},{image},{value}"))
    (name,) = changed(images, fixed)
    assert name == f"train/images/{YOUNG_MAN}/{image}.jpg"
    assert fixed.set_index("image")["label"][name] == label


def test_several_fixes_of_a_person_add_up(images, tmp_path):
    fixed = fixed_images(
        images,
        written(
            tmp_path,
            f"{YOUNG_MAN},gender,female",
            f"{YOUNG_MAN},age,44.5",
            f"{YOUNG_MAN},mask1,worn",
        ),
    )
    assert fixed["label"][:7].tolist() == [4, 4, 4, 4, 4, 10, 16]


def test_given_table_stays_as_it_is(images, tmp_path):
    before = images.copy()
    fixed_images(images, written(tmp_path, f"{YOUNG_MAN},age,60", f"{YOUNG_MAN},mask1,not worn"))
    assert images.equals(before)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nobody,gender,male", "train.csv has no person with the id or path 'nobody'"),
        ("000000,gender,male", f"'000000' is the id of {YOUNG_MAN}, {OTHER_MAN}: write the path"),
        (f"{YOUNG_MAN},race,White", "the field 'race' is none of gender, age, mask1, mask2"),
        (f"{YOUNG_MAN},gender,man", "gender 'man' is none of male, female"),
        (f"{YOUNG_MAN},gender,1", "gender '1' is none of male, female"),
        (f"{YOUNG_MAN},normal,off", "normal 'off' is none of worn, incorrect, not worn"),
        (f"{YOUNG_MAN},age,old", "age 'old' is no number from 0 to 120"),
        (f"{YOUNG_MAN},age,121", "age '121' is no number from 0 to 120"),
        (f"{YOUNG_MAN},age,-1", "age '-1' is no number from 0 to 120"),
        (f"{YOUNG_MAN},age,nan", "age 'nan' is no number from 0 to 120"),
        (f"{OTHER_MAN},age,61", f"age of {OTHER_MAN} is corrected twice"),
    ],
)
def test_bad_fix_is_named_by_file_line_and_value(images, tmp_path, line, complaint):
    file = written(tmp_path, f"{OTHER_MAN},age,60", "", line)
    with pytest.raises(UserError) as error:
        fixed_images(images, file)
    assert str(error.value).startswith(f"{file}, line 4: {complaint}")


def test_table_without_the_columns_is_named(images, tmp_path):
    (tmp_path / "fixes.csv").write_text("path,age\na,3\n")
    with pytest.raises(UserError, match=r"fixes.csv lacks the column id, field, value"):
        fixed_images(images, str(tmp_path / "fixes.csv"))


def test_missing_table_is_named_with_the_word_that_is_none(images):
    with pytest.raises(UserError, match=r"data.label_fixes=/no/knwon: .* no such file.* known"):
        fixed_images(images, "/no/knwon")


def test_known_list_is_the_competition_s(competition):
    fixed = fixed_images(competition, "known").set_index("image")
    genders = fixed.groupby("id")["gender"].unique().map(list).to_dict()
    assert {id_ for id_, found in genders.items() if found == [0]} == set(WRONGLY_FEMALE)
    assert {id_ for id_, found in genders.items() if found == [1]} == {
        *WRONGLY_MALE,
        *SWAPPED,
        "001498",
        "009999",
    }
    masks = fixed["mask"].groupby(fixed["id"]).apply(list).to_dict()
    assert all(masks[id_] == [0, 0, 0, 0, 0, 2, 1] for id_ in SWAPPED)
    assert all(found == [0, 0, 0, 0, 0, 1, 2] for id_, found in masks.items() if id_ not in SWAPPED)
    assert np.array_equal(
        fixed["label"], encode(fixed["mask"], fixed["gender"], age_class(fixed["age"]))
    )


def test_known_ids_may_stand_in_the_path_alone(competition):
    by_path = fixed_images(competition.assign(id="0"), "known")
    assert by_path["label"].equals(fixed_images(competition, "known")["label"])


@pytest.mark.parametrize("lacking", ["a person", "a wrong gender", "a unique id"])
def test_known_list_leaves_other_data_alone_and_says_so(competition, capsys, lacking):
    others = {
        "a person": competition[competition["id"] != "000020"],
        "a wrong gender": competition.assign(
            gender=competition["gender"].mask(competition["id"] == "006361", 0)
        ),
        "a unique id": competition.assign(id=competition["id"].replace("009999", "000020")),
    }[lacking].reset_index(drop=True)
    assert fixed_images(others, "known").equals(others)
    assert capsys.readouterr().err == (
        "data.label_fixes=known: these are not the competition's own images, nothing was "
        "corrected\n"
    )


def test_known_list_is_a_table_that_anybody_can_use(competition, tmp_path):
    own = shutil.copy(KNOWN_FILE, tmp_path / "own.csv")
    assert fixed_images(competition, str(own)).equals(fixed_images(competition, "known"))
