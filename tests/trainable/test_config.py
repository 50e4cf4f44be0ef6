"""A trial's settings are frozen, checked when they are made, and hashed without the machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trainable.config import (
    TrialConfig,
    UserError,
    check_settings,
    setting_paths,
    trial_part,
    unknown_name,
)

OTHER_VALUES = {
    "data.root": "elsewhere",
    "data.skip_unreadable": True,
    "data.image_height": 128,
    "data.image_width": 96,
    "cv.folds": 5,
    "cv.validation_share": 0.25,
    "cv.seed": 1,
    "train.epochs": 9,
    "train.batch_size": 64,
    "train.seed": 1,
    "train.sampler": "balanced",
    "train.age_cutoff": 58,
    "train.drop_below_30": 3,
    "train.drop_below_60": 3,
    "model.backbone": "resnet18",
    "model.pretrained": True,
    "model.heads": "multi",
    "model.dropout": 0.2,
    "loss.name": "focal",
    "loss.gamma": 1.0,
    "loss.smoothing": 0.1,
    "loss.class_weights": "inverse",
    "loss.mix.cross_entropy": 0.3,
    "loss.mix.focal": 0.3,
    "loss.mix.f1": 0.3,
    "augment.flip": 0.5,
    "augment.flip_old": 0.5,
    "augment.brightness_contrast": 0.5,
    "augment.blur": 0.5,
    "augment.erasing": 0.5,
    "augment.horizontal_cutmix": 0.5,
    "augment.greyscale": 0.5,
    "optim.name": "madgrad",
    "optim.lr": 1e-4,
    "optim.weight_decay": 0.1,
    "optim.schedule": "step",
    "optim.warmup_epochs": 1,
    "optim.step_epochs": 3,
    "optim.step_factor": 0.3,
    "predict.flip": True,
    "machine.device": "cpu",
    "machine.precision": "bfloat16",
    "machine.threads": 1,
    "machine.loaders": 1,
}
"""Every word of a trial, and a value that is not its default."""
OUTSIDE_IDENTITY = [path for path in OTHER_VALUES if path.split(".")[0] == "machine"]
OUTSIDE_IDENTITY.append("data.root")


def test_words_of_a_trial_are_these():
    assert set(setting_paths(TrialConfig)) == set(OTHER_VALUES)


@pytest.mark.parametrize("path", sorted(set(OTHER_VALUES) - {"loss.mix.cross_entropy"}))
def test_identity_changes_with_every_setting_but_machine_and_data_root(path):
    changed = TrialConfig().with_values({path: OTHER_VALUES[path]})
    assert changed != TrialConfig()
    assert (changed.identity() == TrialConfig().identity()) is (path in OUTSIDE_IDENTITY)


def test_identity_changes_with_the_share_of_cross_entropy():
    focal = TrialConfig().with_values({"loss.name": "focal"})
    path = "loss.mix.cross_entropy"
    mixed = focal.with_values({path: OTHER_VALUES[path]})
    assert mixed.identity() != focal.identity()


def test_equal_settings_have_equal_identity_however_they_are_written():
    first = TrialConfig().with_values({"optim.lr": 1, "train.epochs": 3})
    second = TrialConfig().with_values({"train.epochs": 3.0}).with_values({"optim.lr": 1.0})
    assert first.identity() == second.identity()
    assert TrialConfig.model_validate_json(first.model_dump_json()).identity() == first.identity()


def test_settings_are_frozen():
    config = TrialConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.train.epochs = 3


def test_with_values_leaves_the_base_as_it_was():
    base = TrialConfig()
    changed = base.with_values({"loss.mix.focal": 0.3, "optim.lr": 0.1})
    assert (changed.loss.mix.focal, changed.value("optim.lr")) == (0.3, 0.1)
    assert base == TrialConfig()


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
        ("loss", "focal", "unknown setting 'loss'; did you mean loss.name"),
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


def test_path_below_a_single_setting_is_unknown():
    with pytest.raises(UserError, match=r"unknown setting 'optim.lr.x'"):
        TrialConfig().with_values({"optim.lr.x": 1})


def test_cutoff_contradicts_leaving_out_the_ages_it_moves():
    with pytest.raises(UserError, match=r"age_cutoff=58 trains ages 58-59 as old.*leaves out.*57-"):
        TrialConfig().with_values({"train.age_cutoff": 58, "train.drop_below_60": 3})


def test_warm_up_ends_before_training_does():
    with pytest.raises(UserError, match=r"optim.warmup_epochs=3 would never reach optim.lr"):
        TrialConfig().with_values({"train.epochs": 3, "optim.warmup_epochs": 3})
    assert TrialConfig().with_values({"train.epochs": 3, "optim.warmup_epochs": 2})


def test_shares_of_further_losses_leave_something_for_the_main_one():
    with pytest.raises(UserError, match=r"loss.mix shares add up to 1.1; .* below 1"):
        TrialConfig().with_values({"loss.mix.focal": 0.6, "loss.mix.f1": 0.5})


def test_main_loss_is_not_mixed_into_itself():
    with pytest.raises(UserError, match=r"loss.mix.focal repeats loss.name=focal"):
        TrialConfig().with_values({"loss.name": "focal", "loss.mix.focal": 0.5})


def test_trial_part_makes_the_data_folder_absolute_and_leaves_the_demo(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    relative = trial_part(TrialConfig().with_values({"data.root": "faces"}))
    assert relative.data.root == str(Path.cwd() / "faces")
    assert trial_part(TrialConfig()).data.root == "demo"


def test_every_setting_says_what_it_means():
    for path in setting_paths(TrialConfig):
        *sections, name = path.split(".")
        owner = TrialConfig().value(".".join(sections))
        assert type(owner).model_fields[name].description


@given(st.text(max_size=20), st.lists(st.text(max_size=10), max_size=5))
def test_unknown_name_always_quotes_the_name(name, known):
    assert f"unknown word '{name}'" in str(unknown_name("word", name, known))
