"""A checkpoint gives back exactly what it was given, and reading it runs no code."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from trainable.checkpoint import load_state, save_state
from trainable.fitting import Fit

NAMES = st.text(st.characters(categories=("L",)), min_size=1, max_size=5)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES
STATES = st.dictionaries(
    NAMES | st.integers(0, 9), PLAIN | st.lists(PLAIN) | st.dictionaries(NAMES, PLAIN), max_size=4
)


@settings(max_examples=20)
@given(state=STATES)
def test_plain_values_come_back_as_they_were(state):
    with TemporaryDirectory() as folder:
        save_state(state, Path(folder))
        assert load_state(Path(folder)) == state


def test_tensors_come_back_bit_by_bit(tmp_path):
    tensors = [
        torch.tensor([0.1, float("nan"), float("-inf")]),
        torch.tensor(7),
        torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
        torch.ones(3, dtype=torch.bfloat16),
    ]
    save_state({"deep": {0: tensors}}, tmp_path)
    for old, new in zip(tensors, load_state(tmp_path)["deep"][0], strict=True):
        assert old.dtype == new.dtype
        assert torch.equal(old.nan_to_num(5), new.nan_to_num(5))


def test_numbers_that_are_keys_stay_numbers(tmp_path):
    save_state({"state": {0: {"step": torch.tensor(1.0)}, 12: 3}}, tmp_path)
    assert list(load_state(tmp_path)["state"]) == [0, 12]


def test_checkpoint_is_safetensors_and_json(tiny, tmp_path):
    fit = Fit(tiny)
    fit.step()
    save_state(fit.state_dict(), tmp_path)
    tensors, plain = sorted(tmp_path.iterdir(), reverse=True)
    assert len(load_file(tensors)) > 100
    assert json.loads(plain.read_text())["epoch"] == 1
    assert b"PK\x03\x04" not in tensors.read_bytes()[:4]


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
    save_state(unbroken.state_dict(), tmp_path)
    resumed.load_state_dict(load_state(tmp_path))
    expected, found = unbroken.step(), resumed.step()
    assert (found.epoch, found.lr, found.train_loss) == (2, expected.lr, expected.train_loss)
    assert found.metrics == expected.metrics
    assert (resumed.validation == unbroken.validation).all()
