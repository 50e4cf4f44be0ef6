"""A data folder is read as the competition lays it out, and each fault in it is named."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from trainable.labels import encode
from trainable.settings import UserError
from trainable.table import LISTED, listed, read_table

PERSON = "000000_male_Asian_19"
"""The first person of the table; images are .jpg."""


@pytest.fixture
def person(own_faces: Path) -> Path:
    return own_faces / "train" / "images" / PERSON


def replace_once(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def complaint_about(root: Path) -> str:
    with pytest.raises(UserError) as error:
        read_table(root)
    return str(error.value)


def test_table_has_a_row_for_each_image_of_each_person(faces_root):
    images = read_table(faces_root).images
    assert len(images) == 24 * 7
    assert images["person"].nunique() == 24
    assert all((faces_root / image).is_file() for image in images["image"])


def test_row_knows_its_person_and_true_class(faces_root):
    images = read_table(faces_root).images.set_index("image")
    row = images.loc[f"train/images/{PERSON}/incorrect_mask.jpg"]
    assert (row["person"], row["gender"], row["age"], row["mask"]) == (PERSON, 0, 19, 1)
    assert (images["label"] == encode(images["mask"], images["gender"], images["age"] // 30)).all()


def test_eval_images_stand_in_the_order_of_info_csv(faces_root):
    listing = (faces_root / "eval" / "info.csv").read_text().splitlines()[1:]
    table = read_table(faces_root).eval_images
    assert list(table["ImageID"]) == [line.split(",")[0] for line in listing]
    assert list(table["image"]) == [f"eval/images/{name}" for name in table["ImageID"]]


def test_id_may_occur_twice_because_the_path_is_the_person(faces_root):
    persons = read_table(faces_root).images["person"]
    assert {PERSON, "000000_male_Asian_22"} <= set(persons)
    assert {"000004_male_Asian_60", "000004_male_Asian_60-1"} <= set(persons)


def test_row_has_its_person_s_id_as_written(faces_root):
    images = read_table(faces_root).images
    assert (images["id"] == images["person"].str.partition("_")[0]).all()
    assert images["id"].nunique() == 12


@pytest.mark.parametrize("file", ["train/train.csv", "eval/info.csv"])
def test_blank_lines_are_no_rows(faces_root, own_faces, file):
    (own_faces / file).write_text((own_faces / file).read_text().replace("\n", "\n\n"))
    given, read = read_table(faces_root), read_table(own_faces)
    assert read.images.equals(given.images)
    assert read.eval_images.equals(given.eval_images)


def test_line_of_a_bad_row_counts_blank_lines(own_faces):
    file = own_faces / "train" / "train.csv"
    file.write_text(file.read_text().replace("\n", "\n\n").replace(",22,", ",young,", 1))
    assert "line 5: 'young'" in complaint_about(own_faces)


def test_extensions_may_be_mixed_and_written_in_capitals(faces_root, own_faces, person):
    (person / "normal.jpg").rename(person / "normal.JPG")
    shutil.move(person / "mask1.jpg", person / "mask1.jpeg")
    images = read_table(own_faces).images
    assert set(images["image"].map(lambda name: Path(name).suffix)) == {
        ".jpg",
        ".jpeg",
        ".png",
        ".JPG",
    }
    assert np.array_equal(images["label"], read_table(faces_root).images["label"])


def test_hidden_files_are_skipped(faces_root, own_faces, person):
    (person / "._mask1.jpg").write_bytes(b"resource fork")
    (person / ".DS_Store").write_bytes(b"")
    (own_faces / "eval" / "images" / ".DS_Store").write_bytes(b"")
    assert read_table(own_faces).images.equals(read_table(faces_root).images)


def test_train_csv_may_begin_with_a_byte_order_mark(own_faces):
    file = own_faces / "train" / "train.csv"
    file.write_text("\ufeff" + file.read_text())
    assert len(read_table(own_faces).images) == 24 * 7


def test_missing_root_is_named(tmp_path):
    assert (
        complaint_about(tmp_path / "no") == f"data.root={tmp_path / 'no'}: there is no such folder"
    )


@pytest.mark.parametrize("file", ["train/train.csv", "eval/info.csv"])
def test_missing_csv_is_named(own_faces, file):
    (own_faces / file).unlink()
    assert complaint_about(own_faces) == f"{own_faces / file} is missing, or no file"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no table of comma-separated values"),
        (b"id,gender,race,age,path\n", "has no rows"),
        (b"\xff\xfe\x00\n", "no table of comma-separated values"),
        (b"id,gender,race,age,path\n1,male,x,20,a,b,c,d\n1,2,3,4,5,6,7,8,9,10\n", "no table"),
        (b"id;gender;race;age;path\n1;male;x;20;a\n", "lacks the column id, gender, race, age, p"),
    ],
)
def test_train_csv_that_is_no_table_is_named(own_faces, content, complaint):
    file = own_faces / "train" / "train.csv"
    file.write_bytes(content)
    assert f"{file} " in complaint_about(own_faces)
    assert complaint in complaint_about(own_faces)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (",path", ",folder", "lacks the column path; it has ['id', 'gender', 'race', 'age', 'f"),
        ("male,Asian,19", "man,Asian,19", "gender is not male, female: line 2: 'man'"),
        (",22,", ",young,", "age is no number from 0 to 120: line 3: 'young'"),
        (",22,", ",-1,", "age is no number from 0 to 120: line 3: '-1'"),
        (",22,", ",,", "age is no number from 0 to 120: line 3: ''"),
        ("000000_male_Asian_22", PERSON, f"path occurs twice: line 3: '{PERSON}'"),
        (f",{PERSON}", ",..", "path is no folder name: line 2: '..'"),
        (f",{PERSON}", f",../images/{PERSON}", "path is no folder name: line 2: '../images/"),
        (f",{PERSON}", "", "path is no folder name: line 2: ''"),
    ],
)
def test_bad_row_of_train_csv_is_named_by_line_and_value(own_faces, old, new, complaint):
    file = own_faces / "train" / "train.csv"
    replace_once(file, old, new)
    assert complaint_about(own_faces).startswith(str(file))
    assert complaint in complaint_about(own_faces)


def test_person_without_a_folder_is_named(own_faces, person):
    shutil.rmtree(person)
    assert complaint_about(own_faces).startswith(f"{person}: train.csv lists this person")


def test_person_who_lacks_images_is_named_with_them(own_faces, person):
    (person / "mask3.jpg").unlink()
    (person / "normal.jpg").unlink()
    assert complaint_about(own_faces) == f"{person} lacks the image mask3, normal"


def test_two_images_of_the_same_name_are_named(own_faces, person):
    shutil.copy(person / "mask3.jpg", person / "mask3.png")
    assert complaint_about(own_faces).startswith(f"{person} has two images called mask3;")


@pytest.mark.parametrize("name", ["mask6.jpg", "mask1.gif", "notes.txt"])
def test_file_that_is_none_of_the_seven_images_is_named(own_faces, person, name):
    (person / name).write_bytes(b"?")
    assert complaint_about(own_faces).startswith(f"{person} holds {name}, which is none of")


def test_missing_eval_images_are_named(own_faces):
    first = min((own_faces / "eval" / "images").iterdir())
    first.unlink()
    assert complaint_about(own_faces).endswith(f"lacks images that info.csv lists: {first.name}")


def test_missing_folder_of_eval_images_is_named(own_faces):
    shutil.rmtree(own_faces / "eval" / "images")
    assert complaint_about(own_faces) == f"{own_faces / 'eval/images'}: there is no such folder"


@pytest.mark.parametrize(
    ("name", "complaint"), [("../secret.jpg", "no file name: line 38"), ("a.jpg", "image twice")]
)
def test_bad_row_of_info_csv_is_named(own_faces, name, complaint):
    file = own_faces / "eval" / "info.csv"
    file.write_text(file.read_text() + f"{name},0\n" * (1 if ".." in name else 2))
    assert complaint_about(own_faces).startswith(f"{file}: {complaint}")


def test_long_lists_of_culprits_are_counted():
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefgh") == f"a, b, c, d, e and {8 - LISTED} more"
