"""A trial sees a checked table, its decoded images, and folds without leaks or damaged images."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainable.config import CvConfig, DataConfig, TrainConfig
from trainable.dataset import FaceData, load_data, unreadable_images
from trainable.folds import LeakError, training_labels, training_rows
from trainable.framing import WHOLE, Box, CentralPart, FacePart, ImageSize, Part, decode_image
from trainable.settings import UserError

DAMAGED = "train/images/000000_male_Asian_19/normal.jpg"
ONE_SPLIT = CvConfig(validation_share=0.25)


@pytest.fixture
def damaged_faces(own_faces: Path) -> Path:
    """A data folder with a truncated training image and an empty eval image."""
    image = own_faces / DAMAGED
    image.write_bytes(image.read_bytes()[:200])
    first_eval(own_faces).write_bytes(b"")
    return own_faces


def first_eval(root: Path) -> Path:
    name = (root / "eval" / "info.csv").read_text().splitlines()[1].split(",")[0]
    return root / "eval" / "images" / name


def load(root: Path, **settings: Any) -> FaceData:
    return load_data(DataConfig(root=str(root), image_height=32, image_width=32, **settings))


def decoded(data: FaceData, image: str, part: Part) -> np.ndarray:
    return decode_image((data.root / image).read_bytes(), ImageSize(32, 32), part)


def test_row_of_the_table_is_row_of_the_cache(tiny):
    data = load_data(tiny.data)
    assert data.cache.pixels.shape == (len(data.images), 32, 32, 3)
    assert data.eval_cache.pixels.shape == (len(data.eval_images), 32, 32, 3)
    hues = data.cache.pixels.mean(axis=(1, 2))
    same = [hues[data.images["label"] == label].std(axis=0).max() for label in range(18)]
    assert max(same) < 5 < hues.std(axis=0).min()


def test_data_are_loaded_once_in_a_process(tiny):
    assert load_data(tiny.data) is load_data(tiny.data.model_copy())


def test_unreadable_images_stop_the_trial_and_are_named(damaged_faces):
    with pytest.raises(UserError) as error:
        load(damaged_faces)
    message = str(error.value)
    assert message.startswith(f"2 image(s) of {damaged_faces} cannot be read: {DAMAGED} (")
    assert f"{first_eval(damaged_faces).name} (the file is empty)" in message
    assert "data.skip_unreadable=true" in message


def test_skipped_images_are_listed_and_in_no_fold(damaged_faces):
    data = load(damaged_faces, skip_unreadable=True)
    assert data.skipped == [DAMAGED, f"eval/images/{first_eval(damaged_faces).name}"]
    row = data.images.index[data.images["image"] == DAMAGED][0]
    fold = data.folds(ONE_SPLIT)[0]
    sides = np.concatenate([fold.train, fold.validation])
    assert set(data.images.index) - set(sides) == {row}


def test_skipping_leaves_persons_where_they_were(tiny, damaged_faces):
    whole, rest = load_data(tiny.data), load(damaged_faces, skip_unreadable=True)
    persons = [
        set(data.images["person"].iloc[data.folds(ONE_SPLIT)[0].validation])
        for data in (whole, rest)
    ]
    assert persons[0] == persons[1]


def test_readable_data_skip_nothing(tiny):
    assert unreadable_images(load_data(tiny.data)) == []


def test_link_to_nowhere_stops_the_trial_and_is_named(own_faces):
    (own_faces / DAMAGED).unlink()
    (own_faces / DAMAGED).symlink_to("nowhere.jpg")
    with pytest.raises(UserError, match=rf"{DAMAGED} \(No such file or directory\)"):
        load(own_faces)
    assert load(own_faces, skip_unreadable=True).skipped == [DAMAGED]


def test_training_on_all_takes_every_readable_image(damaged_faces):
    data = load(damaged_faces, skip_unreadable=True)
    (fold,) = data.folds(CvConfig(folds=0))
    assert set(data.images.index) - set(fold.train) == set(data.cache.unreadable)
    assert len(fold.train) == 24 * 7 - 1
    assert fold.validation.size == 0


@pytest.mark.parametrize(
    ("crop", "part"),
    [
        ("none", WHOLE),
        ("center", CentralPart(0.5, 0.25)),
        ("lower_center", CentralPart(0.5, 0.25, at_bottom=True)),
    ],
)
def test_training_and_eval_images_are_cropped_alike(faces_root, crop, part):
    data = load(faces_root, crop=crop, crop_height=0.5, crop_width=0.25)
    for images, cache in ((data.images, data.cache), (data.eval_images, data.eval_cache)):
        for row in (0, len(images) - 1):
            assert np.array_equal(cache.pixels[row], decoded(data, images["image"][row], part))
    assert data.faceless == []


def test_face_boxes_crop_their_images_and_the_others_are_told(faces_root, tmp_path):
    eval_image = f"eval/images/{first_eval(faces_root).name}"
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(
        f"image,left,top,right,bottom\n{eval_image},2,4,12,24\n{DAMAGED},4,8,20,28.5\n"
    )
    data = load(faces_root, face_boxes=str(boxes), face_margin=0.1)
    row = data.images.index[data.images["image"] == DAMAGED][0]
    trained = decoded(data, DAMAGED, FacePart(Box(4, 8, 20, 28.5), 0.1))
    predicted = decoded(data, eval_image, FacePart(Box(2, 4, 12, 24), 0.1))
    assert np.array_equal(data.cache.pixels[row], trained)
    assert np.array_equal(data.eval_cache.pixels[0], predicted)
    assert len(data.faceless) == 24 * 7 + 36 - 2
    assert not {DAMAGED, eval_image} & set(data.faceless)
    other = data.images["image"][row + 1]
    assert np.array_equal(data.cache.pixels[row + 1], decoded(data, other, WHOLE))


def test_label_fixes_change_what_is_trained_and_not_what_is_scored(faces_root, tiny, tmp_path):
    fixes = tmp_path / "fixes.csv"
    fixes.write_text("id,field,value\n000000_male_Asian_19,age,28\n000000_male_Asian_22,age,59\n")
    plain, data = load_data(tiny.data), load(faces_root, label_fixes=str(fixes))
    assert data.images.equals(plain.images)
    assert data.fingerprint == plain.fingerprint
    assert (data.fixed_labels, plain.fixed_labels) == (14, 0)
    cutoff = training_labels(data.training_images, TrainConfig(age_cutoff=59))
    assert cutoff[:14].tolist() == [0, 0, 0, 0, 0, 6, 12, 2, 2, 2, 2, 2, 8, 14]
    (everyone,) = data.folds(CvConfig(folds=0))
    kept = training_rows(data.training_images, everyone, TrainConfig(drop_below_30=3))
    assert 0 not in kept
    assert 7 in kept


def test_identical_image_on_both_sides_is_refused_by_name(tiny, own_faces):
    data, folds = load_data(tiny.data), CvConfig(folds=4)
    fold = data.folds(folds)[0]
    inside, outside = (data.images["person"][rows[0]] for rows in (fold.validation, fold.train))
    source = next((own_faces / "train" / "images" / inside).glob("normal.*"))
    target = next((own_faces / "train" / "images" / outside).glob("normal.*"))
    shutil.copy(source, target)
    with pytest.raises(LeakError, match=f"the same image is in .*{inside}/normal"):
        load(own_faces).folds(folds)


def test_fingerprint_is_that_of_a_copy(tiny, own_faces):
    assert load(own_faces).fingerprint == load_data(tiny.data).fingerprint


def test_fingerprint_changes_with_a_label(tiny, own_faces):
    file = own_faces / "train" / "train.csv"
    file.write_text(file.read_text().replace(",19,", ",31,", 1))
    assert load(own_faces).fingerprint != load_data(tiny.data).fingerprint


@pytest.mark.parametrize("side", ["train", "eval"])
def test_fingerprint_changes_with_an_image(tiny, own_faces, side):
    trained = (own_faces / DAMAGED).with_name("mask1.jpg")
    shutil.copy(own_faces / DAMAGED, trained if side == "train" else first_eval(own_faces))
    assert load(own_faces).fingerprint != load_data(tiny.data).fingerprint
