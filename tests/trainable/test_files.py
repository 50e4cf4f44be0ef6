"""One contract for files on a disk and in a bucket."""

import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from object_storage import S3Server
from upath import UPath

from trainable import growing as growing_files
from trainable.files import (
    append,
    create,
    link_or_copy,
    make_folder,
    remove,
    remove_tree,
    write_bytes,
    write_text,
    write_with,
)
from trainable.growing import ReplacedError, growing, last_grown, read_grown
from trainable.locations import Location, folder_named, location
from trainable.patience import PATIENCE_VARIABLE, patient
from trainable.settings import UserError
from trainable.storage_errors import StorageError, UnreadableFileError
from trainable.stored import found_below, local_copy, read_bytes, read_if_there, reading, stamp


@pytest.fixture(params=["disk", "bucket"])
def folder(request, tmp_path, s3_server: S3Server) -> Location:
    return tmp_path if request.param == "disk" else location(f"{s3_server.new_bucket()}/runs")


@pytest.fixture
def in_bucket(s3_server) -> UPath:
    found = location(f"{s3_server.new_bucket()}/runs")
    assert isinstance(found, UPath)
    return found


@pytest.fixture
def short_pieces(monkeypatch) -> int:
    monkeypatch.setattr(growing_files, "LINES", 5)
    return 5


def names(folder: Location) -> list[str]:
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def as_it_was(content: bytes) -> bytes:
    return content


def test_what_is_written_is_read(folder):
    write_text(folder / "new", "Größe")
    assert read_bytes(folder / "new").decode() == "Größe"
    assert names(folder) == ["new"]


def test_file_is_replaced_at_once(folder):
    def write(partial: Path) -> None:
        partial.write_bytes(b"second")
        assert read_bytes(folder / "file") == b"first"
        assert isinstance(folder, UPath) or len(names(folder)) == 2

    write_bytes(folder / "file", b"first")
    write_with(folder / "file", write)
    assert read_bytes(folder / "file") == b"second"
    assert names(folder) == ["file"]


def test_stored_file_may_be_read_by_others(tmp_path):
    write_text(tmp_path / "new", "whole")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o644


def test_interrupted_write_leaves_what_was_there(folder):
    def write_and_interrupt(partial: Path) -> None:
        partial.write_bytes(b"half")
        raise KeyboardInterrupt

    write_bytes(folder / "file", b"first")
    with pytest.raises(KeyboardInterrupt):
        write_with(folder / "file", write_and_interrupt)
    assert read_bytes(folder / "file") == b"first"
    assert names(folder) == ["file"]


def test_path_below_a_regular_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot store .*file/new: "):
        write_text(tmp_path / "file" / "new", "x")


def test_folder_that_is_gone_is_not_made_again(tmp_path):
    for write in (lambda file: write_text(file, "x"), make_folder):
        with pytest.raises(StorageError, match=r"cannot store .*share.*: No such file"):
            write(tmp_path / "share" / "experiment")
    assert names(tmp_path) == []


def test_missing_file_that_may_be_missing_is_none(folder):
    assert read_if_there(folder / "file") is None
    write_text(folder / "file", "")
    assert read_if_there(folder / "file") == b""


def test_missing_file_is_named(folder):
    named = pytest.raises(UnreadableFileError, match=r"cannot read .*missing")
    with named, reading(folder / "missing") as file:
        read_bytes(file)


def test_deleted_file_is_gone_and_may_be_deleted_again(folder):
    write_text(folder / "file", "x")
    remove(folder / "file")
    remove(folder / "file")
    assert not (folder / "file").exists()


def test_deleted_folder_takes_all_with_it(folder):
    make_folder(folder / "one")
    write_text(folder / "one" / "file", "x")
    write_text(folder / "two", "x")
    remove_tree(folder / "one")
    assert names(folder) == ["two"]


def test_linked_file_stays_when_the_first_is_replaced(folder):
    write_text(folder / "first", "old")
    link_or_copy(folder / "first", folder / "second")
    write_text(folder / "first", "new")
    assert read_bytes(folder / "second") == b"old"


def test_stamp_changes_with_the_file(folder):
    assert stamp(folder / "file") is None
    write_text(folder / "file", "first")
    first = stamp(folder / "file")
    assert first == stamp(folder / "file")
    write_text(folder / "file", "second")
    assert stamp(folder / "file") not in (None, first)


def test_files_of_a_name_are_found_in_order(folder):
    for name in ("b", "a", "c"):
        make_folder(folder / name)
        write_text(folder / name / ("other" if name == "c" else "trial.json"), "{}")
    found = found_below(folder, "trial.json")
    assert [file.parent.name for file in found] == ["a", "b"]
    assert found_below(folder / "missing", "trial.json") == []


def test_libraries_are_given_a_local_file(folder):
    write_text(folder / "file", "x")
    with local_copy(folder / "file") as here:
        assert here.read_text() == "x"
        assert isinstance(here, Path)


def test_location_is_the_same_in_another_process(folder):
    write_text(folder / "file", "x")
    again = pickle.loads(pickle.dumps(folder))
    assert again == folder == location(str(folder))
    assert read_bytes(again / "file") == b"x"


def test_object_is_created_once(in_bucket):
    def try_to(number: int) -> bool:
        try:
            create(in_bucket / "one", str(number).encode())
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to, range(8))) == 1


def test_object_that_was_created_by_the_same_process_is_its_own(in_bucket):
    create(in_bucket / "one", b"mine")
    create(in_bucket / "one", b"mine")


def test_lines_come_back_in_order(folder, short_pieces):
    lines = [f"{number}\n".encode() for number in range(2 * short_pieces + 2)]
    file = growing(folder / "lines")
    assert file.take_up(lines[0], as_it_was) == b""
    for line in lines[1:]:
        file.append(line)
    assert read_grown(folder / "lines") == b"".join(lines)
    assert growing(folder / "lines").take_up(b"next\n", as_it_was) == b"".join(lines)
    assert last_grown(folder / "lines") is not None


def test_line_that_a_share_does_not_take_at_first_costs_none_before_it(tmp_path, monkeypatch):
    """It is away when the file is opened, and back when it is looked for."""
    file = tmp_path / "lines"
    file.write_bytes(b"before\n")
    monkeypatch.setattr(Path, "exists", lambda path: False)

    def refuse_once(path, *words):
        monkeypatch.undo()
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(Path, "open", refuse_once)
    with pytest.raises(StorageError):
        append(file, b"line\n")
    assert file.read_bytes() == b"before\n"


def test_line_that_was_half_written_when_the_share_went_is_written_once(tmp_path, monkeypatch):
    file, share = tmp_path / "share" / "lines", tmp_path / "share"
    share.mkdir()
    file.write_bytes(b"before\n")

    def lose_the_share(number):
        monkeypatch.undo()
        share.rename(tmp_path / "away")
        threading.Timer(0.2, (tmp_path / "away").rename, [share]).start()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", lose_the_share)
    monkeypatch.setenv(PATIENCE_VARIABLE, "20")
    with patient():
        append(file, b"line\n", is_durable=True)
    assert file.read_bytes() == b"before\nline\n"


def test_damaged_lines_are_cut_off_before_new_ones(folder):
    for _ in range(3):
        growing(folder / "lines").take_up(b"whole\nda", as_it_was)
    kept = b"whole\n"
    growing(folder / "lines").take_up(b"new\n", lambda content: kept)
    assert read_grown(folder / "lines") == b"whole\nnew\n"


def test_process_that_was_replaced_ends_with_its_next_line(in_bucket):
    first, second = growing(in_bucket / "lines"), growing(in_bucket / "lines")
    first.take_up(b"1\n", as_it_was)
    assert second.take_up(b"2\n", as_it_was) == b"1\n"
    with pytest.raises(ReplacedError, match="another process has taken up s3://"):
        first.append(b"3\n")
    second.append(b"4\n")


def test_process_that_was_replaced_begins_no_piece(in_bucket, short_pieces):
    first, second = growing(in_bucket / "lines"), growing(in_bucket / "lines")
    first.take_up(b"0\n", as_it_was)
    for number in range(1, short_pieces):
        first.append(f"{number}\n".encode())
    second.take_up(b"second\n", as_it_was)
    with pytest.raises(ReplacedError):
        first.append(b"more\n")
    assert b"more" not in read_grown(in_bucket / "lines")


def test_plain_text_is_a_local_path():
    assert location("runs/latest") == Path("runs", "latest")


@pytest.mark.parametrize("text", ["gs://bucket/runs", "s3://", "s3:///runs", "file:///runs"])
def test_other_places_are_refused(text):
    with pytest.raises(UserError, match=r"name a local or shared folder, or s3://<bucket>"):
        location(text)


def test_secret_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(UserError, match="holds no credentials") as refused:
        location("s3://key:secret@bucket/runs")
    assert "secret@" not in str(refused.value)


def test_missing_bucket_is_named(s3_server):
    with pytest.raises(UserError, match="there is no bucket nowhere-to-be-found"):
        folder_named("s3://nowhere-to-be-found/runs")


@pytest.mark.usefixtures("no_credentials")
def test_missing_credentials_are_named():
    with pytest.raises(UserError, match="no credentials: set AWS_ACCESS_KEY_ID"):
        folder_named("s3://bucket/runs")
