"""A search's processes see the data as they were when it began."""

import shutil

import pandas as pd
import pytest

from trainable import dataset
from trainable.cache import CACHE_VARIABLE
from trainable.config import DataConfig
from trainable.dataset import load_data
from trainable.known_data import load_data_as_of
from trainable.settings import UserError


@pytest.fixture
def config(own_faces, tmp_path, monkeypatch) -> DataConfig:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return DataConfig(root=str(own_faces), image_height=32, image_width=32)


@pytest.fixture
def new_process(monkeypatch):
    """Lets this process know as little as one that has just begun."""
    return lambda: monkeypatch.setattr(dataset, "_loaded", {})


@pytest.fixture
def before(config, new_process):
    """The data as this machine has read them."""
    data = load_data(config)
    load_data_as_of(config, data.fingerprint())
    new_process()
    return data


def damage(root) -> None:
    next(root.glob("train/images/*/normal.*")).write_bytes(b"no image")


def test_image_that_was_read_before_it_was_damaged_is_still_seen(before, config, own_faces):
    damage(own_faces)
    again = load_data_as_of(config, before.fingerprint())
    assert again.fingerprint() == before.fingerprint()
    assert (again.cache.pixels == before.cache.pixels).all()
    assert load_data(config) is again


def test_tables_come_back_with_their_types(before, config):
    again = load_data_as_of(config, before.fingerprint())
    for name in ("images", "training_images", "eval_images"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(before, name))
    assert (again.root, again.source, again.view) == (before.root, before.source, before.view)


def test_other_fingerprint_is_not_taken_for_the_data(before, config, own_faces):
    damage(own_faces)
    with pytest.raises(UserError, match="cannot be read"):
        load_data_as_of(config, "0123456789abcdef")


def test_machine_that_has_not_read_the_image_names_it(
    before, config, own_faces, new_process, tmp_path, monkeypatch
):
    damage(own_faces)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "another machine"))
    with pytest.raises(UserError, match="normal"):
        load_data_as_of(config, before.fingerprint())


def test_data_whose_decoded_images_were_deleted_are_read_anew(before, config):
    shutil.rmtree(before.cache.folder)
    assert load_data_as_of(config, before.fingerprint()).fingerprint() == before.fingerprint()
