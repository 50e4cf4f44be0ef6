import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from analysis.data.alike import LOOK_HEIGHT, LOOK_WIDTH, identical_files, looks, near_identical
from analysis.data.photos import readable_photos
from trainable.dataset import load_data
from trainable.sections.data import DataConfig


def photos(root):
    return readable_photos(load_data(DataConfig(root=str(root), skip_unreadable=True)))


def image_of(root, person, name):
    return next(root.glob(f"train/images/*_{person}/{name}.*"))


def below(root, file):
    return file.relative_to(root).as_posix()


def patterned(seed):
    """An image of large coloured patches, as unlike another seed's as two photographs."""
    patches = np.random.default_rng(seed).integers(10, 240, (8, 6, 3), np.uint8)
    return cv2.resize(patches, (96, 128), interpolation=cv2.INTER_LINEAR)


def save_copy(pixels, file):
    """Save a darker, noisy version of ``pixels``."""
    noise = np.random.default_rng(0).integers(0, 12, pixels.shape)
    Image.fromarray((pixels * 0.8 + noise).astype(np.uint8)).save(file)


def test_likeness_is_the_correlation_of_channels():
    images = [patterned(seed) for seed in (0, 1)]
    small = [cv2.resize(i, (LOOK_WIDTH, LOOK_HEIGHT), interpolation=cv2.INTER_AREA) for i in images]
    channels = [np.corrcoef(*(image[..., c].ravel() for image in small))[0, 1] for c in range(3)]
    first, second = looks(images)
    assert first @ second == pytest.approx(np.mean(channels), abs=1e-6)
    assert first @ first == pytest.approx(1)


def test_an_image_of_one_colour_is_like_no_other():
    grey = np.full((32, 24, 3), 128, np.uint8)
    first, second = looks([grey, grey])
    assert first @ second == 0


def test_images_of_one_colour_are_no_pair(own_faces):
    for person, grey in [("male_Asian_19", 100), ("female_Asian_45", 101)]:
        file = image_of(own_faces, person, "normal")
        Image.new("RGB", (96, 128), (grey, grey, grey)).save(file)
    assert near_identical(photos(own_faces)) == []


def test_two_persons_in_the_same_pose_are_no_pair(own_faces):
    pose = patterned(0)
    other = (0.65 * pose + 0.35 * patterned(1)).astype(np.uint8)
    first, second = looks([pose, other])
    assert 0.85 < first @ second < 0.97
    Image.fromarray(pose).save(image_of(own_faces, "male_Asian_19", "normal"))
    Image.fromarray(other).save(image_of(own_faces, "female_Asian_45", "normal"))
    assert near_identical(photos(own_faces)) == []


def test_unlike_persons_are_not_found(faces_root):
    assert near_identical(photos(faces_root)) == []
    assert identical_files(photos(faces_root)) == []


def test_a_copy_under_another_person_is_found_and_seven_images_of_one_person_are_not(own_faces):
    same = patterned(0)
    for number, file in enumerate(own_faces.glob("train/images/*_male_Asian_19/*")):
        Image.fromarray(same + np.uint8(number)).save(file)
    twin = image_of(own_faces, "female_Asian_45", "normal")
    save_copy(same, twin)
    [pair] = near_identical(photos(own_faces))
    assert "male_Asian_19" in pair.first
    assert pair.second == below(own_faces, twin)
    assert 0.97 < pair.likeness < 0.9999
    assert pair.pairs == 7


def test_an_eval_image_of_a_training_person_is_found_and_two_eval_images_are_not(own_faces):
    original = image_of(own_faces, "female_Asian_28", "mask3")
    twin, *others = sorted(own_faces.glob("eval/images/*"))[:3]
    Image.fromarray(patterned(1)).save(original)
    save_copy(patterned(1), twin)
    for number, file in enumerate(others):
        Image.fromarray(patterned(2) + np.uint8(number)).save(file)
    [pair] = near_identical(photos(own_faces))
    assert (pair.first, pair.second) == (below(own_faces, original), below(own_faces, twin))


def test_the_most_alike_pair_of_persons_comes_first(own_faces):
    for person, twin, factor in [
        ("male_Asian_19", "male_Asian_35", 6),
        ("male_Asian_25", "female_Asian_35", 1),
    ]:
        pixels = patterned(factor)
        Image.fromarray(pixels).save(image_of(own_faces, person, "mask2"))
        noise = factor * np.random.default_rng(0).integers(0, 12, pixels.shape)
        copy = (pixels * 0.7 + noise).astype(np.uint8)
        Image.fromarray(copy).save(image_of(own_faces, twin, "mask2"))
    first, second = near_identical(photos(own_faces))
    assert "male_Asian_25" in first.first + first.second
    assert first.likeness > second.likeness


def test_identical_files_are_grouped_and_no_near_identical_pair(own_faces):
    original = image_of(own_faces, "male_Asian_22", "mask1")
    copies = [
        image_of(own_faces, "male_Asian_22", "mask2"),
        image_of(own_faces, "female_Asian_59", "mask4"),
        min(own_faces.glob("eval/images/*")),
    ]
    for copy in copies:
        shutil.copy(original, copy)
    twins = [image_of(own_faces, "male_Asian_35", name) for name in ("mask1", "mask5")]
    shutil.copy(*twins)
    found = photos(own_faces)
    assert sorted(sorted(group) for group in identical_files(found)) == sorted(
        sorted(below(own_faces, file) for file in files) for files in ([original, *copies], twins)
    )
    assert near_identical(found) == []


def test_unreadable_images_are_like_no_other(own_faces):
    files = [image_of(own_faces, person, "normal") for person in ("male_Asian_22", "male_Asian_45")]
    for file in files:
        file.write_bytes(b"")
    found = photos(own_faces)
    assert identical_files(found) == []
    assert near_identical(found) == []
    assert len(found.names) == 24 * 7 - 2 + 36
    assert found.training == 24 * 7 - 2
