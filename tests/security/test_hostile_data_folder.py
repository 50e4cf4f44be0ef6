"""A data folder from anyone: nothing outside it is read, and what is wrong with it is named."""

import os
from pathlib import Path

import pytest

from trainable.config import DataConfig
from trainable.dataset import load_data
from trainable.image_files import DataFolder
from trainable.settings import UserError
from trainable.table import read_table

PERSON = "000000_male_Asian_19"
IMAGE = f"train/images/{PERSON}/mask1.jpg"
HIDDEN = "a line that nobody may see"


@pytest.fixture
def outside(tmp_path: Path, faces_root: Path) -> Path:
    """A folder beside the data, with a person's images, a table and a secret in it."""
    folder = tmp_path / "outside"
    (folder / PERSON).mkdir(parents=True)
    for image in (faces_root / "train" / "images" / PERSON).iterdir():
        (folder / PERSON / image.name).write_bytes(image.read_bytes())
    (folder / "secret.csv").write_text(f"{HIDDEN},1,2\n")
    return folder


def replace(path: Path, target: Path) -> None:
    """Put a link in the place of a file or folder, which stays beside it."""
    path.rename(path.with_name(f".{path.name}"))
    path.symlink_to(target)


def complaint(root: Path, **settings: bool) -> str:
    with pytest.raises(UserError) as error:
        load_data(DataConfig(root=str(root), image_height=32, image_width=32, **settings))
    assert str(error.value).isprintable()
    assert HIDDEN not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        *("..", "../outside/000000_male_Asian_19", "/etc", "a/../../b", "/", "."),
        *("a\0b", "a\nb", "a\rb", "\x1b[2J", "\u202egnp.exe", "\u2028", "n" * 256),
    ],
)
@pytest.mark.parametrize("listing", ["train/train.csv", "eval/info.csv"])
def test_name_that_is_a_path_or_cannot_be_printed_is_refused(own_faces, listing, name):
    file = own_faces / listing
    quoted = '"' + name + '"'
    rows = {"train/train.csv": f"1,male,Asian,20,{quoted}\n", "eval/info.csv": f"{quoted},0\n"}
    with file.open("a", newline="") as table:
        table.write(rows[listing])
    assert complaint(own_faces).startswith(f"{file}: ")


@pytest.mark.parametrize("name", ["=1+1.jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg", "\uff1d1.jpg"])
def test_eval_image_that_is_a_formula_to_a_spreadsheet_is_refused(own_faces, name):
    file = own_faces / "eval" / "info.csv"
    file.write_text(file.read_text() + f"{name},0\n")
    (own_faces / "eval" / "images" / name).write_bytes((own_faces / IMAGE).read_bytes())
    assert complaint(own_faces) == f"{file}: a formula to a spreadsheet: line 38: '{name}'"


def test_id_that_a_terminal_would_obey_is_refused(own_faces):
    file = own_faces / "train" / "train.csv"
    file.write_text(file.read_text().replace("\n000000,", "\n\x1b]0;title\x07,", 1))
    assert complaint(own_faces).startswith(f"{file}: id cannot be printed: line 2: '\\x1b]0;")


def test_huge_cell_is_named_and_not_repeated(own_faces):
    file = own_faces / "train" / "train.csv"
    file.write_text(file.read_text() + f"1,male,Asian,20,{'x' * 20_000_000}\n")
    told = complaint(own_faces)
    assert told.startswith(f"{file}: path is no folder name: line 26: 'xxx")
    assert len(told) < 1000


def test_huge_table_is_refused_unread(own_faces):
    file = own_faces / "train" / "train.csv"
    with file.open("ab") as table:
        table.truncate(200_000_000)  # a hole: it takes no room
    assert complaint(own_faces) == f"{file} has more than 100 MB: no table of persons has"


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (f"train/images/{PERSON}", PERSON),
        (IMAGE, f"{PERSON}/mask1.jpg"),
        ("train/images", "."),
        ("train/train.csv", "secret.csv"),
        ("eval/info.csv", "secret.csv"),
        ("eval/images", PERSON),
    ],
)
def test_link_out_of_the_data_folder_is_refused_and_named(own_faces, outside, place, target):
    replace(own_faces / place, outside / target)
    told = complaint(own_faces)
    assert str(own_faces / place) in told
    assert f"leads out of the data folder {own_faces}: data.follow_links=true allows it" in told


def test_link_of_an_eval_image_out_of_the_data_folder_is_refused(own_faces, outside):
    image = min((own_faces / "eval" / "images").iterdir())
    replace(image, outside / PERSON / "mask1.jpg")
    assert complaint(own_faces).startswith(f"{image} leads out of the data folder")


def test_link_that_leads_out_by_another_link_is_refused(own_faces, outside):
    (own_faces / "hop").symlink_to(outside)
    replace(own_faces / IMAGE, own_faces / "hop" / PERSON / "mask1.jpg")
    assert complaint(own_faces).startswith(f"{own_faces / IMAGE} leads out")


def test_links_that_go_round_in_circles_end(own_faces):
    replace(own_faces / IMAGE, own_faces / IMAGE)
    assert f"{IMAGE} (Too many levels of symbolic links)" in complaint(own_faces)


def test_links_out_are_followed_where_that_was_asked_for(own_faces, outside, faces_root):
    replace(own_faces / "train" / "images" / PERSON, outside / PERSON)
    assert read_table(own_faces, follow_links=True).images.equals(read_table(faces_root).images)


def test_links_within_the_data_folder_are_no_harm(own_faces, faces_root):
    for place in (f"train/images/{PERSON}", "train/train.csv", "eval/images"):
        path = own_faces / place
        replace(path, path.with_name(f".{path.name}"))
    assert read_table(own_faces).images.equals(read_table(faces_root).images)


def test_data_folder_may_be_a_link_itself(own_faces, tmp_path, faces_root):
    (tmp_path / "link").symlink_to(own_faces)
    assert read_table(tmp_path / "link").images.equals(read_table(faces_root).images)


@pytest.mark.timeout(20)
def test_pipe_in_place_of_an_image_is_named_and_not_waited_for(own_faces):
    (own_faces / IMAGE).unlink()
    os.mkfifo(own_faces / IMAGE)
    assert f"{IMAGE} (it is no file, but a pipe" in complaint(own_faces)
    data = load_data(DataConfig(root=str(own_faces), skip_unreadable=True))
    assert data.skipped == [IMAGE]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("listing", ["train/train.csv", "eval/info.csv"])
def test_pipe_in_place_of_a_table_is_named_and_not_waited_for(own_faces, listing):
    (own_faces / listing).unlink()
    os.mkfifo(own_faces / listing)
    assert complaint(own_faces) == f"{own_faces / listing} is missing, or no file"


@pytest.mark.timeout(20)
def test_device_in_place_of_an_image_is_not_opened(own_faces):
    replace(own_faces / IMAGE, Path(os.devnull).with_name("zero"))
    told = complaint(own_faces, follow_links=True)
    assert f"{IMAGE} (it is no file, but a pipe, a socket or a device)" in told


@pytest.mark.parametrize("name", ["../outside/x.jpg", "/etc/passwd", "train/../../x.jpg"])
@pytest.mark.parametrize("follow_links", [False, True])
def test_stored_path_of_an_image_must_lie_below_the_data_folder(own_faces, name, follow_links):
    with pytest.raises(ValueError, match="is no path below the data folder"):
        DataFolder(own_faces, follow_links).file(name)


def test_stored_path_of_an_image_may_be_no_link_out(own_faces, outside):
    replace(own_faces / IMAGE, outside / PERSON / "mask1.jpg")
    assert DataFolder(own_faces, follow_links=True).file(IMAGE).is_file()
    with pytest.raises(ValueError, match="is a link out of the data folder"):
        DataFolder(own_faces).file(IMAGE)
