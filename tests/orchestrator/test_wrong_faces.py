"""The faces that are shown are those that the network was most wrong about, one a person."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from orchestrator.photo_sheet import Line, Tile, photo_sheet, read_photo
from orchestrator.wrong_faces import SHOWN, worst, wrong_faces
from trainable.arrays import Probabilities
from trainable.dataset import load_data
from trainable.labels import join_tasks

CERTAIN = {"mask": [1, 0, 0], "gender": [1, 0], "age": [1, 0, 0]}
"""What a network says that takes everybody for a young man with a mask."""


def said(**unlike):
    """Return the joint probabilities of an image, certain but for ``unlike``."""
    return join_tasks({task: np.array([p]) for task, p in (CERTAIN | unlike).items()})[0]


def table(labels, persons):
    return pd.DataFrame({"label": labels, "person": persons})


def stored(rows, values):
    return Probabilities(np.array(rows, np.int32), np.array(values, np.float16))


def test_wrong_predictions_come_first_where_they_are_surest():
    images = table([0, 0, 0, 1], ["a", "b", "c", "d"])
    values = [said(), said(gender=[0.3, 0.7]), said(gender=[0.1, 0.9]), said(age=[0.6, 0.4, 0])]
    assert worst(images, stored([0, 1, 2, 3], values)).tolist() == [2, 1, 3]


def test_stored_rows_may_be_in_any_order():
    images = table([0, 0, 0], ["a", "b", "c"])
    values = [said(gender=[0.4, 0.6]), said(), said(gender=[0.1, 0.9])]
    assert worst(images, stored([2, 0, 1], values)).tolist() == [2, 0]


def test_of_a_person_only_the_worst_is_shown():
    images = table([0, 0, 0], ["a", "a", "b"])
    values = [said(gender=[0.4, 0.6]), said(gender=[0.1, 0.9]), said(gender=[0.3, 0.7])]
    assert worst(images, stored([0, 1, 2], values)).tolist() == [1, 2]


def test_only_the_tasks_of_a_trial_count():
    images = table([0, 0], ["a", "b"])
    values = [said(mask=[0, 1, 0]), said(age=[0, 1, 0])]
    assert worst(images, stored([0, 1], values), ["age"]).tolist() == [1]


def test_no_more_are_shown_than_are_looked_at():
    images = table([17] * 100, [str(number) for number in range(100)])
    assert len(worst(images, stored(range(100), [said()] * 100))) == SHOWN


def test_a_face_has_its_true_and_predicted_class_of_each_task_under_it(tiny):
    data = load_data(tiny.data)
    row = int(np.flatnonzero((data.images["age"] == 45) & (data.images["mask"] == 1))[0])
    predicted = stored([row], [said(age=[0.75, 0.25, 0])])
    [tile] = wrong_faces(data.images, predicted, data.root)
    gender = "male" if data.images["gender"][row] == 0 else "female"
    assert tile.lines == [
        Line(f"{data.images['id'][row]} incorrect_mask, 45 years"),
        Line("mask: incorrect → worn 1.00", is_wrong=True),
        Line(f"gender: {gender} → male 1.00", is_wrong=gender == "female"),
        Line("age: 30-59 → <30 0.75", is_wrong=True),
    ]
    assert tile.photo.shape == (160, 128, 3)


def test_a_sheet_shows_each_photo_and_its_mistakes_in_red():
    photo = np.full((160, 120, 3), (0, 0, 255), np.uint8)
    tiles = [
        Tile(photo, [Line("right"), Line("wrong", is_wrong=number == 8)]) for number in range(9)
    ]
    sheet = np.asarray(Image.open(io.BytesIO(photo_sheet(tiles)))).astype(int)
    assert sheet.shape == (2 * (160 + 2 * 15 + 2 * 6), 8 * 200, 3)
    red, green, blue = sheet.transpose(2, 0, 1)
    is_blue, is_red = (blue - red > 150) & (red < 80), (red - green > 100) & (red - blue > 100)
    assert is_blue.sum() == pytest.approx(9 * 160 * 120, rel=0.01)
    assert is_red[: len(sheet) // 2].sum() == 0
    assert is_red[len(sheet) // 2 :].sum() > 20


def test_a_photo_is_read_upright_and_not_distorted():
    buffer, lying = io.BytesIO(), Image.new("RGB", (400, 200), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(buffer, "JPEG", exif=exif)
    assert read_photo(buffer.getvalue()).shape == (160, 80, 3)
