"""The demo data has the competition's layout, is drawn once, and is the same everywhere."""

import csv
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainable.demo.data_set import (
    EVAL,
    TRAIN,
    DemoSize,
    Person,
    Population,
    demo_root,
    random_person,
)
from trainable.demo.face import Looks, Size, draw_face
from trainable.demo.looks import random_looks
from trainable.demo.masks import FABRICS, FITS, random_mask
from trainable.labels import MASK_OF_IMAGE

SMALL = DemoSize(train_persons=4, eval_persons=3, image_width=72, image_height=96)
NOSE_TIP_Y, MOUTH_Y = 0.3, 0.56
FOREHEAD, NOSE, CHIN = (
    (slice(34, 37), slice(32, 40)),
    (slice(54, 57), slice(33, 39)),
    (slice(66, 69), slice(32, 40)),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_root(tmp_path_factory.mktemp("cache"), SMALL)


def read_rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def file_hashes(root: Path) -> dict[str, str]:
    files = (file for file in root.rglob("*") if file.is_file())
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def unlikeness_to_forehead(root: Path, name: str, place: tuple[slice, slice]) -> float:
    """Mean colour distance, over the persons, between a place in the face and the forehead."""
    images = [cv2.imread(str(file)) for file in sorted(root.glob(f"train/images/*/{name}.jpg"))]
    colours = [
        (image[place].mean(axis=(0, 1)), image[FOREHEAD].mean(axis=(0, 1))) for image in images
    ]
    return float(np.mean([np.abs(there - forehead).mean() for there, forehead in colours]))


def persons_of(population: Population, count: int) -> list[Person]:
    return [random_person(population, 0, number) for number in range(count)]


def looks_of(gender: str, age: int, count: int = 60) -> list[Looks]:
    return [random_looks(gender, age, np.random.default_rng(k)) for k in range(count)]


def test_train_csv_describes_each_person_in_the_competitions_words(root: Path):
    rows = read_rows(root / "train" / "train.csv")
    assert list(rows[0]) == ["id", "gender", "race", "age", "path"]
    assert len(rows) == SMALL.train_persons
    for row in rows:
        assert row["path"] == f"{row['id']}_{row['gender']}_{row['race']}_{row['age']}"
        assert row["gender"] in {"male", "female"}
        assert 18 <= int(row["age"]) <= 72


def test_each_train_person_has_a_folder_of_seven_images(root: Path):
    expected = {
        f"{row['path']}/{name}.jpg"
        for row in read_rows(root / "train" / "train.csv")
        for name in MASK_OF_IMAGE
    }
    images = root / "train" / "images"
    assert {file.relative_to(images).as_posix() for file in images.glob("*/*")} == expected


def test_nothing_lies_beside_the_competitions_files_but_the_answers(root: Path):
    found = {file.relative_to(root).as_posix() for file in root.glob("*/*")}
    train = {"train/train.csv", "train/images"}
    assert found == train | {"eval/info.csv", "eval/images", "eval/answers.csv"}


def test_every_image_has_the_asked_size(root: Path):
    images = list(root.rglob("*.jpg"))
    assert len(images) == 7 * (SMALL.train_persons + SMALL.eval_persons)
    for image in images:
        assert cv2.imread(str(image)).shape == (SMALL.image_height, SMALL.image_width, 3)


@pytest.mark.parametrize(
    ("place", "bare"), [(NOSE, ["normal", "incorrect_mask"]), (CHIN, ["normal"])]
)
def test_file_names_tell_which_part_of_the_face_is_bare(root: Path, place, bare: list[str]):
    unlike = {name: unlikeness_to_forehead(root, name, place) for name in MASK_OF_IMAGE}
    covered = [name for name in MASK_OF_IMAGE if name not in bare]
    assert max(unlike[name] for name in bare) < min(unlike[name] for name in covered)


def test_info_lists_the_eval_images_with_answers_to_be_filled_in(root: Path):
    rows = read_rows(root / "eval" / "info.csv")
    assert {row["ans"] for row in rows} == {"0"}
    names = {file.name for file in (root / "eval" / "images").iterdir()}
    assert sorted(row["ImageID"] for row in rows) == sorted(names)


def test_answers_are_the_classes_of_the_drawn_persons(root: Path):
    rows = read_rows(root / "eval" / "answers.csv")
    age_classes = {age: int(age >= 30) + int(age >= 60) for age in range(18, 73)}
    expected = {
        person.image_id(name): mask * 6 + (person.gender == "female") * 3 + age_classes[person.age]
        for person in persons_of(EVAL, SMALL.eval_persons)
        for name, mask in MASK_OF_IMAGE.items()
    }
    assert {row["ImageID"]: int(row["ans"]) for row in rows} == expected


def test_answers_and_info_list_the_images_in_the_same_order(root: Path):
    info, answers = (read_rows(root / "eval" / name) for name in ("info.csv", "answers.csv"))
    assert [row["ImageID"] for row in info] == [row["ImageID"] for row in answers]


def test_eval_rows_mix_the_persons(root: Path):
    persons = persons_of(EVAL, SMALL.eval_persons)
    owner = {person.image_id(name): person.id for person in persons for name in MASK_OF_IMAGE}
    order = [owner[row["ImageID"]] for row in read_rows(root / "eval" / "info.csv")]
    changes = sum(before != after for before, after in pairwise(order))
    assert changes > 2 * SMALL.eval_persons


def test_the_same_seed_gives_the_same_bytes(root: Path, tmp_path: Path):
    assert file_hashes(demo_root(tmp_path, SMALL)) == file_hashes(root)


def test_no_two_images_are_the_same(root: Path):
    hashes = [digest for name, digest in file_hashes(root).items() if name.endswith(".jpg")]
    assert len(set(hashes)) == len(hashes)


def test_another_seed_gives_other_images(root: Path, tmp_path: Path):
    other = file_hashes(demo_root(tmp_path, replace(SMALL, seed=1)))
    images = {digest for name, digest in file_hashes(root).items() if name.endswith(".jpg")}
    assert not images & set(other.values())


def test_a_person_does_not_depend_on_how_many_are_drawn(root: Path, tmp_path: Path):
    fewer = file_hashes(demo_root(tmp_path, replace(SMALL, train_persons=2, eval_persons=1)))
    images = {name: digest for name, digest in fewer.items() if name.endswith(".jpg")}
    assert images.items() <= file_hashes(root).items()


def test_a_second_call_draws_nothing(tmp_path: Path):
    size = replace(SMALL, train_persons=1, eval_persons=1)
    first = demo_root(tmp_path, size)
    (first / "train" / "train.csv").write_text("kept")
    assert demo_root(tmp_path, size) == first
    assert (first / "train" / "train.csv").read_text() == "kept"


def test_two_callers_at_once_share_one_whole_data_set(tmp_path: Path):
    size = replace(SMALL, train_persons=1, eval_persons=1)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: demo_root(tmp_path, size), range(2))
    assert first == second
    assert [folder for folder in tmp_path.iterdir() if folder.is_dir()] == [first]
    assert len(list(first.rglob("*.jpg"))) == 14


def test_a_drawing_that_fails_leaves_no_data_set_behind(tmp_path: Path):
    too_wide = DemoSize(train_persons=1, eval_persons=1, image_width=70_000, image_height=1)
    with pytest.raises(ValueError, match="no JPEG can be 70000 x 1 pixels"):
        demo_root(tmp_path, too_wide)
    assert not [folder for folder in tmp_path.iterdir() if folder.is_dir()]


@pytest.mark.parametrize("field", ["train_persons", "eval_persons", "image_width", "image_height"])
def test_a_size_of_nothing_is_named(field: str):
    with pytest.raises(ValueError, match=f"DemoSize.{field} is 0: it must be at least 1"):
        DemoSize(**{field: 0})


@pytest.mark.parametrize(
    "field", ["train_persons", "eval_persons", "image_width", "image_height", "seed"]
)
def test_each_size_has_its_own_folder(field: str):
    larger = replace(SMALL, **{field: getattr(SMALL, field) + 1})
    assert larger.folder_name != SMALL.folder_name


@pytest.mark.parametrize(("count", "tolerance"), [(30, 0.07), (200, 0.02)])
@pytest.mark.parametrize("population", [TRAIN, EVAL])
def test_few_and_many_persons_have_the_shares_of_their_population(
    population: Population, count: int, tolerance: float
):
    persons = persons_of(population, count)
    female = np.mean([person.gender == "female" for person in persons])
    young = np.mean([person.age < 30 for person in persons])
    old = np.mean([person.age >= 60 for person in persons])
    shares = (population.female, population.young, population.old)
    assert (female, young, old) == pytest.approx(shares, abs=tolerance)


def test_each_mask_class_is_drawn_differently():
    (looks,) = looks_of("female", 40, count=1)
    images = []
    for mask_class in (0, 1, 2):
        mask = random_mask(mask_class, FABRICS[0], looks.face.width, np.random.default_rng(0))
        images.append(draw_face(looks, mask, Size(96, 128), np.random.default_rng(1)).astype(int))
    for first, second in combinations(images, 2):
        assert np.mean(np.abs(first - second).max(axis=2) > 40) > 0.02


def test_only_a_mask_worn_well_covers_nose_and_mouth():
    covers = [[fit.top < NOSE_TIP_Y and fit.bottom > MOUTH_Y for fit in fits] for fits in FITS]
    worn, incorrect, not_worn = covers
    assert all(worn)
    assert not any(incorrect)
    assert not not_worn


def test_the_masks_of_a_person_are_of_different_fabrics():
    assert len(set(FABRICS)) == len(FABRICS) >= len(MASK_OF_IMAGE)


@pytest.mark.parametrize("gender", ["male", "female"])
def test_hair_greys_and_wrinkles_grow_with_age_in_the_mean(gender: str):
    stages = [looks_of(gender, age) for age in (20, 45, 70)]
    grey = [np.mean([looks.hair.grey for looks in stage]) for stage in stages]
    wrinkles = [np.mean([looks.face.wrinkles for looks in stage]) for stage in stages]
    assert grey == sorted(grey)
    assert wrinkles == sorted(wrinkles)


def test_women_have_longer_hair_in_the_mean_but_not_always():
    men, women = ([x.hair.length for x in looks_of(gender, 30)] for gender in ("male", "female"))
    assert np.mean(women) > np.mean(men) + 0.2
    assert max(men) > min(women)


def test_some_faces_look_older_than_some_that_are_ten_years_older():
    younger, older = ([x.face.wrinkles for x in looks_of("male", age)] for age in (28, 38))
    assert max(younger) > min(older)


def test_importing_the_demo_does_not_import_torch():
    code = "import sys, trainable.demo.data_set; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
