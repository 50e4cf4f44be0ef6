"""Which of the settings that somebody typed have no effect beside the others?"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from trainable.config import TrialConfig


@dataclass(frozen=True)
class Condition:
    """What a setting needs to have an effect: in words that name settings, and as a test."""

    words: str
    holds: Callable[[TrialConfig], bool]


def ignored_settings(
    config: TrialConfig, typed: Collection[str], searched: Collection[str] = ()
) -> list[str]:
    """Return a sentence for each typed path that changes nothing, whatever is searched.

    In a trial of several networks a setting counts if one of them needs it.
    """
    return [
        f"{path} has no effect without {condition.words}"
        for path, condition in CONDITIONS.items()
        if path in typed
        and not set(searched).intersection(named_settings(condition.words))
        and not any(condition.holds(one) for one in _networks(config, path))
    ]


def named_settings(words: str) -> list[str]:
    """Return the dotted paths that a sentence names."""
    return re.findall(r"[a-z_]+(?:\.[a-z_]+)+", words)


def _networks(config: TrialConfig, path: str) -> Iterator[TrialConfig]:
    if path.startswith("members."):
        yield config
    else:
        yield from config.member_configs().values()


def _class_tasks(trial: TrialConfig) -> list[str]:
    """Return the tasks whose classes have a loss: an age distribution may go without."""
    has_brackets = trial.model.age_head == "classes" or trial.loss.age_bracket > 0
    return [task for task in trial.model.tasks if task != "age" or has_brackets]


def _trains_focal(trial: TrialConfig) -> bool:
    tasks = _class_tasks(trial)
    is_mixed_in = trial.loss.mix.focal > 0 and bool(tasks)
    return is_mixed_in or "focal" in {trial.loss.of_task(task) for task in tasks}


def _looks_at_age(trial: TrialConfig) -> bool:
    by_class = trial.train.sampler == "balanced" or trial.augment.horizontal_cutmix > 0
    return "age" in trial.model.tasks or by_class


def _steps(trial: TrialConfig) -> bool:
    return trial.optim.schedule == "step" and trial.optim.step_epochs < trial.train.epochs


CLASS_LOSS = Condition(
    "model.age_head=classes or loss.age_bracket above 0", lambda trial: bool(_class_tasks(trial))
)
LEARNED = Condition("loss.weighting=fixed", lambda trial: trial.loss.weighting == "fixed")
CROP = Condition("data.crop", lambda trial: trial.data.crop != "none")
STEP = Condition("optim.schedule=step and optim.step_epochs below train.epochs", _steps)
YEARS = Condition(
    "model.age_head=distribution", lambda trial: trial.model.age_head == "distribution"
)
MEMBERS = "a recipe of several networks"

CONDITIONS: Mapping[str, Condition] = {
    "data.crop_height": CROP,
    "data.crop_width": CROP,
    "data.face_margin": Condition("data.face_boxes", lambda trial: trial.data.face_boxes != ""),
    "cv.validation_share": Condition("cv.folds=1", lambda trial: trial.cv.folds == 1),
    "cv.seed": Condition("cv.folds above 0", lambda trial: trial.cv.folds > 0),
    "train.age_cutoff": Condition(
        "an answer to age (model.heads), train.sampler=balanced or augment.horizontal_cutmix",
        _looks_at_age,
    ),
    "loss.name": CLASS_LOSS,
    "loss.smoothing": CLASS_LOSS,
    "loss.class_weights": CLASS_LOSS,
    "loss.mix.cross_entropy": CLASS_LOSS,
    "loss.mix.focal": CLASS_LOSS,
    "loss.mix.f1": CLASS_LOSS,
    "loss.gamma": Condition(
        "a focal loss (loss.name, loss.mix.focal, loss.mask.name, loss.gender.name or "
        "loss.age.name)",
        _trains_focal,
    ),
    "loss.beta": Condition(
        "loss.class_weights=effective", lambda trial: trial.loss.class_weights == "effective"
    ),
    "loss.age.name": Condition(CLASS_LOSS.words, lambda trial: "age" in _class_tasks(trial)),
    "loss.mask.weight": LEARNED,
    "loss.gender.weight": LEARNED,
    "loss.age.weight": LEARNED,
    "loss.age_spread": YEARS,
    "loss.age_bracket": YEARS,
    "augment.flip_old": Condition(
        "augment.flip below it", lambda trial: trial.augment.flip < trial.augment.flip_old
    ),
    "augment.crop_scale": Condition(
        "augment.random_crop or train.old_copies",
        lambda trial: trial.augment.random_crop > 0 or trial.train.old_copies > 0,
    ),
    "augment.shift": Condition(
        "augment.brightness_contrast or train.old_copies",
        lambda trial: trial.augment.brightness_contrast > 0 or trial.train.old_copies > 0,
    ),
    "augment.erasing_share": Condition("augment.erasing", lambda trial: trial.augment.erasing > 0),
    "augment.magnitude": Condition(
        "augment.rand_augment", lambda trial: trial.augment.rand_augment > 0
    ),
    "augment.mix_alpha": Condition(
        "augment.cutmix or augment.mixup",
        lambda trial: trial.augment.cutmix + trial.augment.mixup > 0,
    ),
    "optim.step_epochs": STEP,
    "optim.step_factor": STEP,
    "members.use": Condition(MEMBERS, lambda trial: bool(trial.members.settings)),
    "members.vote": Condition(
        f"members.use=all and {MEMBERS}",
        lambda trial: bool(trial.members.settings) and trial.members.use == "all",
    ),
}
"""Path -> what it needs beside it; what is not here always has an effect."""
