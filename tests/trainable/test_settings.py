"""A mistake in a setting is told with its path, what is wrong, and what is allowed."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from trainable.config import TrialConfig
from trainable.settings import (
    Section,
    UserError,
    Value,
    check_settings,
    printable,
    setting_paths,
    unknown_name,
)


class Oven(Section):
    degrees: int = Field(default=180, ge=20)
    hours: float = 0.5
    trays: Literal[1, 5] = 1
    fan: bool = False
    timer: int | None = None
    owner: str = "nobody"


class Kitchen(Section):
    oven: Oven = Oven()
    notes: dict[str, dict[str, Value]] = Field(default={})


def oven_of(**values: object) -> Oven:
    return check_settings(Kitchen, {"oven": values}).oven


def test_paths_are_those_of_single_settings_in_their_order():
    names = ("degrees", "hours", "trays", "fan", "timer", "owner")
    assert setting_paths(Kitchen) == tuple(f"oven.{name}" for name in names)


@pytest.mark.parametrize(
    ("path", "suggestion"),
    [
        ("loss.nam", "did you mean loss.name"),
        ("gamma", "did you mean .*loss.gamma"),
        ("optim.learning_rate", "unknown setting 'optim.learning_rate'"),
        ("zzz", "known: augment.blur, .*train.seed"),
    ],
)
def test_unknown_setting_names_near_ones_or_all(path, suggestion):
    with pytest.raises(UserError, match=suggestion):
        TrialConfig().with_values({path: 1})


@given(st.text(max_size=20), st.lists(st.text(max_size=10), max_size=5))
def test_unknown_name_always_quotes_the_name(name, known):
    assert f"unknown word '{printable(name)}'" in str(unknown_name("word", name, known))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("train.epochs", 0, "train.epochs=0: should be greater than or equal to 1"),
        ("train.epochs", "many", "train.epochs='many': should be a valid integer"),
        ("train.epochs", 1.5, "train.epochs=1.5: should be a valid integer"),
        ("augment.flip", 1.01, "augment.flip=1.01: should be less than or equal to 1"),
        ("optim.lr", 0, "optim.lr=0: should be greater than 0"),
        ("optim.lr", float("nan"), "optim.lr=nan: should be a finite number"),
        ("data.image_height", 4, "data.image_height=4: should be greater than or equal to 32"),
        ("data.skip_unreadable", "perhaps", "data.skip_unreadable='perhaps': should be a valid"),
        ("loss.name", "fokal", "loss.name='fokal': .*; did you mean focal?"),
        ("loss.name", None, "loss.name=None: should be 'cross_entropy', 'focal' or 'f1'"),
        ("loss.name", True, "loss.name=True: should be 'cross_entropy', 'focal' or 'f1'"),
        ("predict.crops", 4, "predict.crops=4: should be 1 or 5"),
    ],
)
def test_bad_value_is_named_with_its_path(path, value, complaint):
    with pytest.raises(UserError, match=complaint):
        TrialConfig().with_values({path: value})


def test_every_bad_value_has_a_line_of_its_own():
    with pytest.raises(UserError) as error:
        check_settings(TrialConfig, {"train": {"epochs": 0, "seed": -1}, "los": {}})
    lines = str(error.value).splitlines()
    assert [line.split("=")[0] for line in lines] == ["train.epochs", "train.seed", "los"]


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("name", ["degrees", "hours", "trays", "timer"])
def test_true_and_false_are_no_numbers(name, value):
    with pytest.raises(UserError, match=f"oven.{name}={value}: should be a number, not true or f"):
        oven_of(**{name: value})


def test_truths_and_missing_numbers_are_taken_where_they_are_meant():
    assert oven_of(fan=True, timer=None) == Oven(fan=True)


@pytest.mark.parametrize(("given", "kept"), [(2024, "2024"), (-3, "-3"), ("007", "007")])
def test_whole_number_may_be_a_name(given, kept):
    assert oven_of(owner=given).owner == kept


def test_fraction_is_no_name_because_its_spelling_is_lost():
    with pytest.raises(UserError, match=r"oven.owner=1.1: should be text: write \"'...'\" round"):
        oven_of(owner=1.10)


def test_truth_is_no_name():
    with pytest.raises(UserError, match=r"oven.owner=True: should be a valid string"):
        oven_of(owner=True)


@pytest.mark.parametrize("value", [True, 1, 1.5, "1", None])
def test_values_of_free_settings_keep_their_kind(value):
    kept = check_settings(Kitchen, {"notes": {"a": {"b": value}}}).notes["a"]["b"]
    assert (kept, type(kept)) == (value, type(value))
