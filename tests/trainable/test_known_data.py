"""A search's processes see the data as they were when it began."""

import shutil

import pandas as pd
import pytest

from trainable import dataset
from trainable.cache import CACHE_VARIABLE
from trainable.config import DataConfig
from trainable.dataset import load_data
from trainable.known_data import Start, load_data_as_of
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
    load_data_as_of(config, start_on(data))
    new_process()
    return data


def start_on(data, at="2026-01-01") -> Start:
    return Start(at, data.fingerprint)


def damage(root) -> None:
    next(root.glob("train/images/*/normal.*")).write_bytes(b"no image")


def test_image_that_was_read_before_it_was_damaged_is_still_seen(before, config, own_faces):
    damage(own_faces)
    again = load_data_as_of(config, start_on(before))
    assert again.fingerprint == before.fingerprint
    assert (again.cache.pixels == before.cache.pixels).all()
    assert load_data(config) is again


def test_tables_come_back_with_their_types(before, config):
    again = load_data_as_of(config, start_on(before))
    for name in ("images", "training_images", "eval_images"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(before, name))
    assert (again.root, again.source, again.view) == (before.root, before.source, before.view)


def test_other_fingerprint_is_not_taken_for_the_data(before, config, own_faces):
    damage(own_faces)
    with pytest.raises(UserError, match="cannot be read"):
        load_data_as_of(config, Start("2026-01-01", "0123456789abcdef"))


def test_machine_that_has_not_read_the_image_names_it(
    before, config, own_faces, new_process, tmp_path, monkeypatch
):
    damage(own_faces)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "another machine"))
    with pytest.raises(UserError, match="normal"):
        load_data_as_of(config, start_on(before))


def test_data_whose_decoded_images_were_deleted_are_read_anew(before, config):
    shutil.rmtree(before.cache.folder)
    assert load_data_as_of(config, start_on(before)).fingerprint == before.fingerprint


@pytest.fixture
def fixes(tmp_path):
    """Writes how many years the first person is trained as, and which settings say so."""

    def write(config, years) -> DataConfig:
        file = tmp_path / "fixes.csv"
        person = load_data(config).images["person"].iloc[0]
        file.write_text(f"id,field,value\n{person},age,{years}\n")
        return config.model_copy(update={"label_fixes": str(file)})

    return write


def test_label_fixes_that_change_are_those_of_the_next_search(config, fixes, new_process):
    fixed = fixes(config, 31)
    before = load_data_as_of(fixed, start_on(load_data(fixed)))
    fixes(config, 66)
    new_process()
    same_search = load_data_as_of(fixed, start_on(before))
    new_process()
    next_search = load_data_as_of(fixed, start_on(before, at="2026-01-02"))
    seen = [data.training_images["age"].iloc[0] for data in (before, same_search, next_search)]
    assert seen == [31, 31, 66]
    assert same_search.view == before.view != next_search.view


def test_other_label_fixes_than_the_drivers_are_refused_until_they_are_mended(
    config, fixes, new_process
):
    fixed = fixes(config, 31)
    drivers = load_data(fixed)
    fixes(config, 66)
    new_process()
    with pytest.raises(UserError, match=r"data\.label_fixes .* another content"):
        load_data_as_of(fixed, start_on(drivers), drivers.view)
    fixes(config, 31)
    assert load_data_as_of(fixed, start_on(drivers), drivers.view).view == drivers.view


def test_refused_data_are_read_anew_by_the_same_process(config, own_faces):
    drivers = load_data(config)
    table = own_faces / "train" / "train.csv"
    right = table.read_text()
    table.write_text(right.replace(",22,", ",23,"))
    dataset.loaded_as(config, None)
    with pytest.raises(UserError, match="other images or labels"):
        load_data_as_of(config, start_on(drivers))
    table.write_text(right)
    assert load_data_as_of(config, start_on(drivers)).fingerprint == drivers.fingerprint
