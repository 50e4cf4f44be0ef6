"""A state gives back exactly what it was given, is whole or refused, and reading runs no code."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from trainable.checkpoint import load_state, read_notes, save_state
from trainable.fitting import Fit
from trainable.storage_errors import UnreadableFileError

NAMES = st.text(st.characters(categories=("L",)), min_size=1, max_size=5)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES
STATES = st.dictionaries(
    NAMES | st.integers(0, 9), PLAIN | st.lists(PLAIN) | st.dictionaries(NAMES, PLAIN), max_size=4
)


@settings(max_examples=20)
@given(state=STATES)
def test_plain_values_come_back_as_they_were(state):
    with TemporaryDirectory() as folder:
        save_state(state, Path(folder, "state"))
        assert load_state(Path(folder, "state")) == state


def test_tensors_come_back_bit_by_bit(tmp_path):
    tensors = [
        torch.tensor([0.1, float("nan"), float("-inf")]),
        torch.tensor(7),
        torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
        torch.ones(3, dtype=torch.bfloat16),
    ]
    save_state({"deep": {0: tensors}}, tmp_path / "state")
    for old, new in zip(tensors, load_state(tmp_path / "state")["deep"][0], strict=True):
        assert old.dtype == new.dtype
        assert torch.equal(old.nan_to_num(5), new.nan_to_num(5))


def test_numbers_that_are_keys_stay_numbers(tmp_path):
    save_state({"state": {0: {"step": torch.tensor(1.0)}, 12: 3}}, tmp_path / "state")
    assert list(load_state(tmp_path / "state")["state"]) == [0, 12]


def test_state_is_one_safetensors_file_with_json_in_its_header(tiny, tmp_path):
    fit, file = Fit(tiny), tmp_path / "state.safetensors"
    fit.step()
    save_state(fit.state_dict(), file, {"epochs": "[]"})
    assert list(tmp_path.iterdir()) == [file]
    assert len(load_file(file)) > 100
    notes = read_notes(file)
    assert notes["epochs"] == "[]"
    assert json.loads(notes["state"])["epoch"] == 1


@pytest.fixture
def numbers(tmp_path) -> Path:
    """A stored state of a thousand numbers."""
    file = tmp_path / "state"
    save_state({"numbers": torch.arange(1000)}, file)
    return file


@pytest.mark.parametrize("size", [0, 5, 100, 4000])
def test_half_written_state_is_refused(numbers, size):
    os.truncate(numbers, size)
    with pytest.raises(UnreadableFileError, match=r"cannot read .*state: "):
        load_state(numbers)


def test_state_with_one_wrong_bit_is_refused(numbers):
    stored = bytearray(numbers.read_bytes())
    stored[-1] ^= 1
    numbers.write_bytes(stored)
    with pytest.raises(UnreadableFileError, match="not those that were written"):
        load_state(numbers)


def test_weights_alone_are_no_state(tmp_path):
    save_file({"weight": torch.ones(3)}, tmp_path / "weights")
    with pytest.raises(UnreadableFileError):
        load_state(tmp_path / "weights")


def test_loaded_tensors_are_the_files_pages_and_do_not_change_it(numbers):
    load_state(numbers)["numbers"].zero_()
    assert load_state(numbers)["numbers"].sum() == 999 * 500


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"cv.folds": 2, "model.heads": "multi", "model.dropout": 0.5},
        {"train.sampler": "balanced", "augment.flip": 0.5, "augment.horizontal_cutmix": 0.5},
        {"optim.name": "madgrad", "optim.warmup_epochs": 1},
        {"machine.precision": "float16", "train.batch_size": 64},
        {"machine.loaders": 1, "model.dropout": 0.5},
    ],
)
def test_resumed_fit_gives_the_same_numbers_as_one_without_a_break(tiny, tmp_path, values):
    config = tiny.with_values(values)
    unbroken, resumed = Fit(config), Fit(config)
    unbroken.step()
    save_state(unbroken.state_dict(), tmp_path / "state")
    resumed.load_state_dict(load_state(tmp_path / "state"))
    expected, found = unbroken.step(), resumed.step()
    assert (found.epoch, found.lr, found.train_loss) == (2, expected.lr, expected.train_loss)
    assert found.metrics == expected.metrics
    assert (resumed.validation == unbroken.validation).all()
