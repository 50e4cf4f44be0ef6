"""Faces are where the detector or the user's table says; each fault of a table is named."""

import importlib
import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainable.demo.data_set import DemoSize, demo_root
from trainable.faces import face_boxes
from trainable.framing import Box
from trainable.settings import UserError

HEADER = "image,left,top,right,bottom"
FIRST, SECOND, LAST = "a.png", "b.png", "lying.jpg"
UPRIGHT_QUARTER_TURN = 6
needs_detector = pytest.mark.skipif(
    importlib.util.find_spec("facenet_pytorch") is None, reason="facenet-pytorch is not installed"
)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACE_ORCHESTRATOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "face-orchestrator" / "boxes"


@pytest.fixture
def root(tmp_path: Path, own_cache: Path) -> Path:
    """Two images of 32 x 40 pixels, and one of 40 x 32 that the camera turned."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in (FIRST, SECOND):
        Image.new("RGB", (32, 40)).save(folder / name)
    exif = Image.Exif()
    exif[0x0112] = UPRIGHT_QUARTER_TURN
    Image.new("RGB", (32, 40)).save(folder / LAST, exif=exif)
    return folder


def read(root: Path, *lines: str, header: str = HEADER) -> dict[str, Box]:
    file = root / "boxes.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return face_boxes(str(file), root, [FIRST, SECOND, LAST])


def test_boxes_of_a_table_are_read_as_they_stand(root, capsys):
    found = read(root, f"{SECOND},1.5,-2,20,33", f"{LAST},30,1,39,31")
    assert found == {SECOND: Box(1.5, -2, 20, 33), LAST: Box(30, 1, 39, 31)}
    assert capsys.readouterr().err == "no face in 1 of 3 images: they keep their whole frame\n"


def test_changed_table_is_read_anew(root):
    assert read(root, f"{FIRST},1,2,20,33") == {FIRST: Box(1, 2, 20, 33)}
    assert read(root, f"{FIRST},1,2,20,34") == {FIRST: Box(1, 2, 20, 34)}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("c.png,1,2,3,4", "no such image in the data folder: line 4: 'c.png'"),
        (f"{FIRST},1,2,3,4", f"image occurs twice: line 4: '{FIRST}'"),
        (f"{SECOND},1,x,3,4", "top is no number: line 4: 'x'"),
        (f"{SECOND},1,2,inf,4", "right is no number: line 4: 'inf'"),
        (f"{SECOND},,2,3,4", "left is no number: line 4: ''"),
        (f"{SECOND},3,2,3,4", f"the box is empty: line 4: '{SECOND}'"),
        (f"{SECOND},1,4,3,2", f"the box is empty: line 4: '{SECOND}'"),
        (f"{SECOND},20,2,50,4", "the middle of the box is outside the image"),
        (f"{SECOND},-20,2,5,4", "the middle of the box is outside the image"),
        (f"{SECOND},2,-20,5,4", "the middle of the box is outside the image"),
        (f"{LAST},10,30,20,40", "the middle of the box is outside the image"),
    ],
)
def test_bad_box_is_named_by_file_line_and_value(root, line, complaint):
    with pytest.raises(UserError) as error:
        read(root, f"{FIRST},1,2,20,33", "", line)
    assert str(error.value).startswith(f"{root / 'boxes.csv'}: {complaint}")
    assert "line 4" in str(error.value)


def test_table_that_lacks_an_edge_is_named(root):
    with pytest.raises(UserError, match=r"boxes.csv lacks the column bottom; it has \['image'"):
        read(root, f"{FIRST},1,2,20", header="image,left,top,right")


def test_missing_table_is_named_with_the_word_that_is_none(root):
    with pytest.raises(UserError, match=r"data.face_boxes=/no/mtcn: there is no .* or mtcnn"):
        face_boxes("/no/mtcn", root, [FIRST])


def test_box_of_an_unreadable_image_is_no_fault_of_the_table(root):
    (root / SECOND).write_bytes(b"damaged")
    assert read(root, f"{SECOND},1,2,900,900") == {SECOND: Box(1, 2, 900, 900)}


def test_detector_that_is_not_installed_is_named_with_its_command(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    command = r"pip install --no-deps facenet-pytorch==2\.6\.0$"
    with pytest.raises(UserError, match=rf"data.face_boxes=mtcnn takes .*{command}"):
        face_boxes("mtcnn", root, [FIRST])


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces of two persons, 192 x 256 pixels."""
    return demo_root(tmp_path_factory.mktemp("drawn"), DemoSize(train_persons=2, eval_persons=1))


def faces_of(root: Path) -> list[str]:
    return sorted(str(file.relative_to(root)) for file in root.glob("train/images/*/*"))


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    both = max(0, width) * max(0, height)
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    return both / (sum(areas) - both)


def found_by_the_library(image: Image.Image) -> Box:
    library = importlib.import_module("facenet_pytorch")
    boxes, _ = library.MTCNN(min_face_size=32).detect(image)
    return Box(*boxes[0].tolist())


@needs_detector
def test_detector_finds_what_the_library_finds(drawn, own_cache, capsys):
    images = faces_of(drawn)
    found = face_boxes("mtcnn", drawn, images)
    assert len(found) >= len(images) / 2
    for image, box in found.items():
        expected = found_by_the_library(Image.open(drawn / image))
        assert overlap(box, expected) > 0.8
    missed = len(images) - len(found)
    told = f"no face in {missed} of {len(images)} images: they keep"
    assert (told in capsys.readouterr().err) is (missed > 0)


@pytest.fixture
def sizes_and_turns(tmp_path: Path, drawn: Path, own_cache: Path) -> Path:
    """A drawn face as it is, at three times the size, stored lying, and in a wider image."""
    folder = tmp_path / "sizes"
    folder.mkdir()
    (file,) = drawn.glob("train/images/000001*/normal.*")
    image, exif = Image.open(file), Image.Exif()
    exif[0x0112] = UPRIGHT_QUARTER_TURN
    image.save(folder / "as_is.png")
    image.resize((576, 768)).save(folder / "large.jpg")
    image.rotate(90, expand=True).save(folder / "lying.png", exif=exif)
    wide = Image.new("RGB", (400, 256))
    wide.paste(image, (208, 0))
    wide.save(folder / "wide.png")
    return folder


@needs_detector
def test_boxes_are_in_pixels_of_the_upright_original(sizes_and_turns):
    images = ["as_is.png", "large.jpg", "lying.png", "wide.png"]
    found = face_boxes("mtcnn", sizes_and_turns, images)
    as_is = found["as_is.png"]
    assert found["lying.png"] == as_is
    assert overlap(found["large.jpg"], Box(*(3 * edge for edge in as_is))) > 0.9
    left, top, right, bottom = as_is
    assert overlap(found["wide.png"], Box(left + 208, top, right + 208, bottom)) > 0.8


@needs_detector
def test_images_without_a_face_and_damaged_ones_have_no_box(root, own_cache):
    noise = np.random.default_rng(0).integers(0, 256, (256, 192, 3), np.uint8)
    Image.fromarray(noise).save(root / "noise.png")
    Image.new("RGB", (1, 1), "white").save(root / "tiny.png")
    (root / "damaged.png").write_bytes(b"?")
    images = [FIRST, "noise.png", "tiny.png", "damaged.png", "missing.png"]
    assert face_boxes("mtcnn", root, images) == {}


@needs_detector
def test_faces_are_searched_once_whatever_else_changes(drawn, own_cache, monkeypatch):
    images = faces_of(drawn)[:3]
    first = face_boxes("mtcnn", drawn, images)
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    assert face_boxes("mtcnn", drawn, images) == first
    with pytest.raises(UserError):
        face_boxes("mtcnn", drawn, images[:2])


@needs_detector
def test_search_leaves_random_numbers_as_they_were(drawn, own_cache):
    state = torch.get_rng_state()
    face_boxes("mtcnn", drawn, faces_of(drawn)[:2])
    assert torch.equal(torch.get_rng_state(), state)


@needs_detector
def test_search_leaves_torch_s_threads_as_they_were(drawn, own_cache):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        face_boxes("mtcnn", drawn, faces_of(drawn)[:2])
        with ThreadPoolExecutor(1) as pool:
            later = pool.submit(torch.get_num_threads).result()
        assert (torch.get_num_threads(), later) == (2, 2)
    finally:
        torch.set_num_threads(before)
