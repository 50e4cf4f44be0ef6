"""A trial's settings are frozen, checked when they are made, and hashed without the machine."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from trainable.config import TrialConfig, trial_part
from trainable.labels import TASKS
from trainable.settings import UserError, check_settings, setting_paths

OTHER_VALUES = {
    "data.root": "elsewhere",
    "data.skip_unreadable": True,
    "data.follow_links": True,
    "data.image_height": 128,
    "data.image_width": 96,
    "data.crop": "center",
    "data.crop_height": 0.7,
    "data.crop_width": 0.7,
    "data.face_boxes": "mtcnn",
    "data.face_margin": 0.5,
    "data.normalization": "imagenet",
    "data.label_fixes": "known",
    "cv.folds": 5,
    "cv.fidelity": "folds",
    "cv.validation_share": 0.25,
    "cv.seed": 1,
    "train.epochs": 9,
    "train.batch_size": 64,
    "train.seed": 1,
    "train.sampler": "balanced",
    "train.old_copies": 2,
    "train.age_cutoff": 58,
    "train.drop_below_30": 3,
    "train.drop_below_60": 3,
    "model.backbone": "resnet18",
    "model.pretrained": True,
    "model.heads": "multi",
    "model.age_head": "distribution",
    "model.hidden": 256,
    "model.dropout": 0.2,
    "loss.name": "focal",
    "loss.gamma": 1.0,
    "loss.smoothing": 0.1,
    "loss.class_weights": "inverse",
    "loss.beta": 0.9,
    "loss.mix.cross_entropy": 0.3,
    "loss.mix.focal": 0.3,
    "loss.mix.f1": 0.3,
    "loss.weighting": "uncertainty",
    "loss.mask.name": "focal",
    "loss.mask.weight": 2.0,
    "loss.gender.name": "focal",
    "loss.gender.weight": 2.0,
    "loss.age.name": "focal",
    "loss.age.weight": 2.0,
    "loss.age_spread": 2.0,
    "loss.age_bracket": 1.0,
    "augment.flip": 0.5,
    "augment.flip_old": 0.5,
    "augment.vertical_flip": 0.5,
    "augment.random_crop": 0.5,
    "augment.crop_scale": 0.5,
    "augment.brightness_contrast": 0.5,
    "augment.shift": 0.1,
    "augment.colour_jitter": 0.5,
    "augment.hls": 0.5,
    "augment.blur": 0.5,
    "augment.noise": 0.5,
    "augment.sharpen": 0.5,
    "augment.clahe": 0.5,
    "augment.equalize": 0.5,
    "augment.canny": 0.5,
    "augment.greyscale": 0.5,
    "augment.rand_augment": 0.5,
    "augment.magnitude": 5,
    "augment.erasing": 0.5,
    "augment.erasing_share": 0.2,
    "augment.horizontal_cutmix": 0.5,
    "augment.cutmix": 0.5,
    "augment.mixup": 0.5,
    "augment.mix_alpha": 0.4,
    "optim.name": "madgrad",
    "optim.lr": 1e-4,
    "optim.weight_decay": 0.1,
    "optim.schedule": "step",
    "optim.warmup_epochs": 1,
    "optim.step_epochs": 3,
    "optim.step_factor": 0.3,
    "optim.sam_rho": 0.05,
    "optim.ema_decay": 0.99,
    "optim.freeze_epochs": 1,
    "optim.layer_decay": 0.7,
    "optim.accumulate": 2,
    "optim.clip_norm": 1.0,
    "predict.flip": True,
    "predict.crops": 5,
    "members.use": "none",
    "members.vote": "hard",
    "machine.device": "cpu",
    "machine.precision": "bfloat16",
    "machine.threads": 1,
    "machine.loaders": 1,
    "machine.micro_batches": 2,
}
"""Every word of a trial, and a value that is not its default."""
NEEDED = {
    "cv.fidelity": {"cv.folds": 2},
    "model.age_head": {"model.heads": "multi"},
    "loss.mix.cross_entropy": {"loss.name": "focal"},
    **{
        f"loss.{task}.{name}": {"model.heads": "multi"}
        for task in TASKS
        for name in ("name", "weight")
    },
    "loss.weighting": {"model.heads": "multi"},
}
"""Path -> what it cannot be without."""
OUTSIDE_IDENTITY = [path for path in OTHER_VALUES if path.split(".")[0] == "machine"]
OUTSIDE_IDENTITY += ["data.root", "data.follow_links"]
MEMBERS = {"whole": {"data.crop": "none"}, "centre": {"data.crop": "center", "optim.lr": 0.1}}


def trial_of(members: dict, **sections: dict) -> TrialConfig:
    return check_settings(TrialConfig, {"members": {"settings": members}, **sections})


def test_words_of_a_trial_are_these():
    assert set(setting_paths(TrialConfig)) == set(OTHER_VALUES)


@pytest.mark.parametrize("path", OTHER_VALUES)
def test_identity_changes_with_every_setting_but_machine_and_where_the_data_are(path):
    base = TrialConfig().with_values(NEEDED.get(path, {}))
    changed = base.with_values({path: OTHER_VALUES[path]})
    assert changed != base
    assert (changed.identity() == base.identity()) is (path in OUTSIDE_IDENTITY)


def test_identity_changes_with_the_members_and_with_each_of_their_settings():
    settings = [{}, MEMBERS, {"whole": {}}, {**MEMBERS, "whole": {"data.crop": "lower_center"}}]
    assert len({trial_of(members).identity() for members in settings}) == 4


def test_equal_settings_have_equal_identity_however_they_are_written():
    first = TrialConfig().with_values({"optim.lr": 1, "train.epochs": 3})
    second = TrialConfig().with_values({"train.epochs": 3.0}).with_values({"optim.lr": 1.0})
    assert first.identity() == second.identity()
    assert TrialConfig.model_validate_json(first.model_dump_json()).identity() == first.identity()


def test_settings_are_frozen():
    config = TrialConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.train.epochs = 3


def test_every_setting_says_what_it_means():
    for path in setting_paths(TrialConfig):
        *sections, name = path.split(".")
        owner = TrialConfig().value(".".join(sections))
        assert type(owner).model_fields[name].description


def test_with_values_leaves_the_base_as_it_was():
    base = TrialConfig()
    changed = base.with_values({"loss.mix.focal": 0.3, "optim.lr": 0.1})
    assert (changed.loss.mix.focal, changed.value("optim.lr")) == (0.3, 0.1)
    assert base == TrialConfig()


@pytest.mark.parametrize("path", ["loss", "optim.lr.x", "members.settings"])
def test_with_values_takes_single_settings_alone(path):
    with pytest.raises(UserError, match=f"unknown setting '{path}'"):
        TrialConfig().with_values({path: 1})


def test_trial_without_members_is_one_network_of_its_own_settings():
    assert TrialConfig().member_configs() == {"": TrialConfig()}


def test_each_member_has_its_own_settings_over_the_trial_s():
    found = trial_of(MEMBERS, loss={"name": "focal"}).member_configs()
    expected = {"loss.name": "focal", "data.crop": "center", "optim.lr": 0.1}
    assert list(found) == ["whole", "centre"]
    assert found["centre"] == TrialConfig().with_values(expected)
    assert found["whole"] == TrialConfig().with_values({"loss.name": "focal"})


@pytest.mark.parametrize(
    ("use", "learning_rates"),
    [("all", {"whole": 2e-3, "centre": 0.1}), ("none", {"": 2e-3}), ("centre", {"": 0.1})],
)
def test_members_in_use_are_all_of_them_or_none_or_one(use, learning_rates):
    trial = trial_of(MEMBERS).with_values({"members.use": use})
    found = {name: own.optim.lr for name, own in trial.member_configs().items()}
    assert found == learning_rates


def test_unknown_member_names_the_known_ones():
    complaint = "unknown member in members.use 'center'; did you mean centre?"
    with pytest.raises(UserError, match=complaint):
        trial_of(MEMBERS).with_values({"members.use": "center"})


def test_with_values_counts_for_every_member_whatever_was_its_own():
    changed = trial_of(MEMBERS).with_values({"data.crop": "lower_center"})
    assert changed.members.settings == {"whole": {}, "centre": {"optim.lr": 0.1}}
    assert {one.data.crop for one in changed.member_configs().values()} == {"lower_center"}


def test_trial_answers_the_tasks_that_its_members_answer_together():
    heads = {"first": {"model.heads": "age"}, "second": {"model.heads": "mask"}}
    trial = check_settings(TrialConfig, {"members": {"settings": heads, "vote": "task"}})
    assert trial.tasks == ("mask", "age")
    assert TrialConfig().with_values({"model.heads": "gender"}).tasks == ("gender",)


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({"los.name": "focal"}, "members.settings.odd: unknown setting 'los.name'; did you mean"),
        ({"loss.name": "fokal"}, "members.settings.odd: loss.name='fokal': .*did you mean focal"),
        ({"optim.freeze_epochs": 8}, "members.settings.odd: optim.freeze_epochs=8 .*epochs=8"),
        ({"cv.seed": 1}, "members.settings.odd: cv.seed is one for all networks of a trial"),
        ({"data.root": "x"}, "members.settings.odd: data.root is one for all networks"),
        ({"train.epochs": 3}, "members.settings.odd: train.epochs is one for all networks"),
        ({"members.vote": "hard"}, "members.settings.odd: members.vote is one for all networks"),
        ({"machine.device": "cpu"}, "members.settings.odd: machine.device is one for all"),
        ({"model.heads": "age"}, "members.vote=soft needs networks .* use members.vote=task"),
    ],
)
def test_member_that_cannot_be_trained_with_the_others_is_named(own, complaint):
    with pytest.raises(UserError, match=complaint):
        trial_of({"plain": {}, "odd": own})


CONTRADICTIONS = [
    {"train.age_cutoff": 57, "train.drop_below_60": 3},
    {"train.age_cutoff": 58, "train.drop_below_60": 1},
    {"train.old_copies": 1, "train.sampler": "one_per_person"},
    {"train.old_copies": 1, "train.sampler": "undersampled"},
    {"data.face_boxes": "mtcnn", "data.crop": "center"},
    {"augment.cutmix": 0.6, "augment.mixup": 0.5},
    {"optim.sam_rho": 0.05, "optim.accumulate": 2},
    {"optim.freeze_epochs": 3, "train.epochs": 3},
    {"optim.warmup_epochs": 3, "train.epochs": 3},
    {"model.age_head": "distribution", "model.heads": "joint"},
    {"model.age_head": "distribution", "model.heads": "gender"},
    {"loss.mask.weight": 2.0, "model.heads": "joint"},
    {"loss.mask.weight": 2.0, "model.heads": "mask"},
    {"loss.age.name": "focal", "model.heads": "age"},
    {"loss.weighting": "uncertainty", "model.heads": "joint"},
    {"loss.mix.focal": 0.6, "loss.mix.f1": 0.4},
    {"loss.mix.focal": 0.5, "loss.name": "focal"},
    {"loss.mix.focal": 0.5, "loss.gender.name": "focal", "model.heads": "multi"},
]


@pytest.mark.parametrize("values", CONTRADICTIONS, ids=lambda values: " ".join(values))
def test_contradictory_settings_are_both_named_with_their_values(values):
    with pytest.raises(UserError) as error:
        TrialConfig().with_values(values)
    [line] = str(error.value).splitlines()
    for path, value in list(values.items())[:2]:
        assert f"{path}={value}" in line


@pytest.mark.parametrize(
    "values",
    [
        {"train.age_cutoff": 57, "train.drop_below_30": 3},
        {"train.drop_below_60": 3},
        {"train.old_copies": 1, "train.sampler": "balanced"},
        {"data.face_boxes": "mtcnn", "data.face_margin": 0.5},
        {"augment.cutmix": 0.6, "augment.mixup": 0.4},
        {"optim.freeze_epochs": 2, "optim.warmup_epochs": 2, "train.epochs": 3},
        {"model.age_head": "distribution", "model.heads": "age"},
        {"loss.age.name": "focal", "loss.weighting": "uncertainty", "model.heads": "multi"},
        {"loss.mix.focal": 0.5, "loss.mix.f1": 0.4},
    ],
    ids=lambda values: " ".join(values),
)
def test_neighbours_of_contradictory_settings_are_allowed(values):
    assert TrialConfig().with_values(values)


def test_trial_part_makes_paths_absolute_and_leaves_words(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    paths = ("data.root", "data.face_boxes", "data.label_fixes")
    words = {"data.root": "demo", "data.face_boxes": "mtcnn", "data.label_fixes": "known"}
    relative = trial_part(TrialConfig().with_values(dict.fromkeys(paths, "some.csv")))
    assert {relative.value(path) for path in paths} == {str(Path.cwd() / "some.csv")}
    assert trial_part(TrialConfig().with_values(words)) == TrialConfig().with_values(words)
    assert trial_part(TrialConfig()) == TrialConfig()
