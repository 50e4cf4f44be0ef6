import base64
import io

import numpy as np
import pytest
from PIL import Image

from analysis.data.class_sheets import class_sheets
from analysis.data.first_batch import FirstBatch, Refusal, first_batches
from analysis.sheets import face, make_sheet
from trainable.dataset import load_data


def decoded(sheet):
    content = base64.b64decode(sheet.sprite.removeprefix("data:image/jpeg;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def names_of(sheet):
    return [tile.name for tile in sheet.tiles]


def test_tiles_of_a_sprite_are_where_the_sheet_says():
    colours = np.random.default_rng(0).integers(0, 255, (14, 3), np.uint8)
    images = [np.full((16, 8, 3), colour, np.uint8) for colour in colours]
    names = [str(number) for number in range(14)]
    sheet = make_sheet(images, names, [f"no. {name}" for name in names])
    sprite = decoded(sheet)
    assert sprite.shape == (2 * 16, 12 * 8, 3)
    assert names_of(sheet) == names
    for tile, colour in zip(sheet.tiles, colours, strict=True):
        shown = sprite[tile.top : tile.top + sheet.height, tile.left : tile.left + sheet.width]
        np.testing.assert_allclose(shown.reshape(-1, 3), [colour] * (16 * 8), atol=4)
        assert tile.caption == f"no. {tile.name}"


def test_a_face_is_shown_whole_and_not_distorted(tmp_path):
    Image.new("RGB", (200, 100), (255, 0, 0)).save(tmp_path / "wide.png")
    tile = face(tmp_path / "wide.png")
    assert tile.shape == (128, 96, 3)
    assert (tile[:40] == 128).all()
    assert (tile[40:88] == (255, 0, 0)).all()
    assert (tile[88:] == 128).all()


def test_a_contact_sheet_shows_persons_of_one_class_by_age(faces_root, tiny):
    data = load_data(tiny.data)
    sheets = class_sheets(data.root, data.images, 24, 0)
    labels = data.images.set_index("image")[["label", "person", "age"]]
    for label, sheet in enumerate(sheets):
        shown = labels.loc[names_of(sheet)]
        assert shown["label"].eq(label).all()
        assert shown["person"].nunique() == len(shown) == 4
        assert [tile.caption for tile in sheet.tiles] == [
            f"{age:g}" for age in sorted(shown["age"])
        ]


def test_the_seed_chooses_the_faces_of_a_contact_sheet(tiny):
    data = load_data(tiny.data)
    first, again, other = (
        [names_of(sheet) for sheet in class_sheets(data.root, data.images, 2, seed)]
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert {len(names) for names in first} == {2}


def test_a_class_without_images_has_no_sheet(tiny):
    data = load_data(tiny.data)
    some = data.images[data.images["label"] != 3]
    sheets = class_sheets(data.root, some, 1, 0)
    assert [label for label, sheet in enumerate(sheets) if sheet is None] == [3]


def test_each_member_has_its_own_batch_or_the_reason_why_not(tiny):
    members = {
        "small": {"train.batch_size": 4, "model.heads": "mask"},
        "refused": {"data.label_fixes": "nowhere.csv"},
    }
    tree = tiny.model_dump() | {"members": {"settings": members, "vote": "task"}}
    small, refused = first_batches(type(tiny).model_validate(tree))
    assert isinstance(small, FirstBatch)
    assert (small.member, len(small.images)) == ("small", 4)
    assert set(small.labels) <= {"worn", "incorrect", "not worn"}
    assert isinstance(refused, Refusal)
    assert refused.member == "refused"
    assert "data.label_fixes=nowhere.csv: there is no such file" in refused.reason


def test_a_large_batch_shows_its_first_64_images():
    images = np.zeros((70, 32, 24, 3), np.uint8)
    sheet = FirstBatch("", images, [str(number) for number in range(70)], []).sheet()
    assert (sheet.width, sheet.height) == (120, 160)
    assert [tile.caption for tile in sheet.tiles] == [str(number) for number in range(64)]


def test_notes_count_corrected_labels_and_images_without_a_face(tiny, faces_root, tmp_path):
    person = load_data(tiny.data).images["person"].iloc[0]
    fixes, boxes = tmp_path / "fixes.csv", tmp_path / "boxes.csv"
    fixes.write_text(f"id,field,value\n{person},gender,female\n")
    image = next(faces_root.glob("train/images/*/normal.*")).relative_to(faces_root).as_posix()
    boxes.write_text(f"image,left,top,right,bottom\n{image},2,2,20,20\n")
    settings = {"data.label_fixes": str(fixes), "data.face_boxes": str(boxes)}
    [batch] = first_batches(tiny.with_values(settings))
    assert batch.notes == [
        f"data.label_fixes={fixes} corrects the labels of 7 images.",
        f"data.face_boxes={boxes} has no face of {24 * 7 + 36 - 1} images: they are whole.",
    ]


def test_mixed_images_have_the_labels_of_both(tiny):
    [batch] = first_batches(tiny.with_values({"augment.mixup": 1.0}))
    mixed = [label for label in batch.labels if "\n" in label]
    assert len(mixed) > len(batch.labels) / 2
    for label in mixed:
        shares = [float(part.split(maxsplit=1)[0]) for part in label.splitlines()]
        assert sum(shares) == pytest.approx(1, abs=0.011)
