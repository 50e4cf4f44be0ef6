"""A data folder in a bucket is fetched once a machine, and is the same data as anywhere else."""

import boto3
import pytest

from trainable import fit
from trainable.cache import CACHE_VARIABLE, cache_folder
from trainable.command_line import read_words
from trainable.config import DataConfig, trial_part
from trainable.dataset import load_data
from trainable.fetch import copy_of, local_folder
from trainable.settings import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A machine that has fetched nothing."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def bucket(s3_server):
    """The client and the name of a new bucket."""
    name = s3_server.new_bucket().removeprefix("s3://")
    return boto3.client("s3", endpoint_url=s3_server.address), name


@pytest.fixture
def faces_address(bucket, faces_root):
    """The address of a copy of ``faces_root``."""
    client, name = bucket
    for file in faces_root.rglob("*"):
        if file.is_file():
            client.upload_file(str(file), name, f"faces/{file.relative_to(faces_root)}")
    return f"s3://{name}/faces"


def settings(root):
    return DataConfig(root=root, image_height=32, image_width=32)


def complaint(address):
    with pytest.raises(UserError) as error:
        load_data(settings(address))
    return str(error.value)


def test_data_of_a_bucket_are_the_same_data(faces_address, faces_root):
    here, fetched = load_data(settings(str(faces_root))), load_data(settings(faces_address))
    assert fetched.fingerprint == here.fingerprint
    assert fetched.view == here.view
    assert (fetched.source, here.source) == (faces_address, str(faces_root))


def test_address_stays_an_address_in_the_settings_of_a_trial(faces_address):
    config = trial_part(read_words(fit.SCHEMA, [f"data.root={faces_address}"]).settings)
    assert config.data.root == faces_address


def test_folder_is_fetched_once(faces_address):
    first = local_folder(faces_address)
    written = {file: file.stat().st_mtime_ns for file in first.rglob("*")}
    assert local_folder(faces_address) == first
    assert {file: file.stat().st_mtime_ns for file in first.rglob("*")} == written
    assert copy_of(faces_address) == first


def test_changed_object_alone_is_fetched_anew(bucket, faces_address):
    client, name = bucket
    before = local_folder(faces_address)
    table, image = "train/train.csv", "eval/info.csv"
    changed = (before / table).read_bytes().replace(b",22,", b",23,")
    client.put_object(Bucket=name, Key=f"faces/{table}", Body=changed)
    after = local_folder(faces_address)
    assert (after / table).read_bytes() == changed != (before / table).read_bytes()
    assert (after / image).samefile(before / image)
    assert copy_of(faces_address) == after


def test_what_was_not_fetched_is_no_folder(faces_address):
    assert not copy_of(faces_address).exists()


@pytest.mark.parametrize(
    ("place", "told"),
    [("s3://no-such-bucket/faces", "there is no bucket no-such-bucket"), ("", "there is nothing")],
    ids=["no bucket", "empty"],
)
def test_bucket_without_data_is_named(bucket, place, told):
    address = place or f"s3://{bucket[1]}/faces"
    found = complaint(address)
    assert address in found
    assert told in found


def test_missing_part_of_the_layout_is_named_by_its_address(bucket, faces_address):
    client, name = bucket
    client.delete_object(Bucket=name, Key="faces/eval/info.csv")
    assert f"{faces_address}/eval/info.csv is missing" in complaint(faces_address)


def test_object_whose_name_leads_out_of_the_folder_is_refused(bucket, faces_address):
    client, name = bucket
    client.put_object(Bucket=name, Key="faces/../../outside.txt", Body=b"x")
    assert "'../../outside.txt' is no name of a file below a folder" in complaint(faces_address)
    assert not list(cache_folder().parent.rglob("outside.txt"))


@pytest.mark.usefixtures("no_credentials")
def test_missing_credentials_are_told(faces_address):
    assert "no credentials" in complaint(faces_address)


def test_address_of_another_kind_is_refused():
    with pytest.raises(UserError, match="s3://<bucket>/<prefix>"):
        trial_part(read_words(fit.SCHEMA, ["data.root=ftp://host/faces"]).settings)
