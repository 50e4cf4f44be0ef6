"""What is one trial? Its complete, frozen and checked settings."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from trainable.labels import TASKS
from trainable.locations import location
from trainable.sections.augment import AugmentConfig
from trainable.sections.data import (
    DEMO,
    DETECTED,
    KNOWN_FIXES,
    CvConfig,
    DataConfig,
    TrainConfig,
)
from trainable.sections.loss import LossConfig
from trainable.sections.network import ModelConfig, PredictConfig
from trainable.sections.optim import OptimConfig
from trainable.settings import (
    Section,
    UserError,
    Value,
    check_settings,
    setting_paths,
    unknown_name,
)


class MachineConfig(Section):
    """Where it runs; left out of a trial's identity."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: CUDA if there is one"
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="auto: mixed precision on CUDA, float32 on the CPU"
    )
    threads: int = Field(
        default=0, ge=0, description="CPU threads of the network; 0: as the process has"
    )
    loaders: int | None = Field(
        default=None,
        ge=0,
        description="processes that augment ahead; null: the trial's other cores if it has a GPU",
    )
    micro_batches: int = Field(
        default=1,
        ge=1,
        description="parts, of two images at least, in which each batch goes through the network "
        "to save memory: gradients add up to the whole's, but batch norms and F1 losses see parts",
    )


class MembersConfig(Section):
    """Several networks that make one trial, each with settings of its own over the trial's."""

    settings: dict[str, dict[str, Value]] = Field(
        default={}, description="member -> dotted path -> value; empty: one network"
    )
    use: str = Field(
        default="all", description="all: each of them; none: one network without; or one's name"
    )
    vote: Literal["soft", "hard", "task"] = Field(
        default="soft",
        description="soft: mean probability; hard: majority; task: each task by the members "
        "trained for it",
    )

    @model_validator(mode="after")
    def _used_member_exists(self) -> Self:
        known = ["all", "none", *self.settings]
        if self.use not in known:
            raise unknown_name("member in members.use", self.use, known)
        return self


SHARED = (
    *("data.root", "data.skip_unreadable", "data.follow_links"),
    *("cv.", "train.epochs", "members.", "machine."),
)
"""Beginnings of the paths that no member has for itself: its folds advance with the others'."""


class TrialConfig(Section):
    """Every setting of one trial; a variant is the base with a few paths changed."""

    data: DataConfig = Field(default=DataConfig(), description="images")
    cv: CvConfig = Field(default=CvConfig(), description="persons in training and validation")
    train: TrainConfig = Field(default=TrainConfig(), description="training")
    model: ModelConfig = Field(default=ModelConfig(), description="network")
    loss: LossConfig = Field(default=LossConfig(), description="loss")
    augment: AugmentConfig = Field(default=AugmentConfig(), description="augmentation")
    optim: OptimConfig = Field(default=OptimConfig(), description="optimizer and schedule")
    predict: PredictConfig = Field(default=PredictConfig(), description="prediction")
    members: MembersConfig = Field(
        default=MembersConfig(), description="several networks in one trial"
    )
    machine: MachineConfig = Field(
        default=MachineConfig(), description="machine, not part of the identity"
    )

    @model_validator(mode="after")
    def _warmup_ends_before_training(self) -> Self:
        if self.optim.warmup_epochs >= self.train.epochs and self.optim.warmup_epochs:
            raise ValueError(
                f"optim.warmup_epochs={self.optim.warmup_epochs} would never reach optim.lr within "
                f"train.epochs={self.train.epochs}"
            )
        return self

    @model_validator(mode="after")
    def _backbone_thaws_before_the_end(self) -> Self:
        if self.optim.freeze_epochs >= self.train.epochs:
            raise ValueError(
                f"optim.freeze_epochs={self.optim.freeze_epochs} would never train the backbone "
                f"within train.epochs={self.train.epochs}"
            )
        return self

    @model_validator(mode="after")
    def _several_losses_need_several_heads(self) -> Self:
        if self.model.heads != "multi":
            for path, value in self.loss.task_settings().items():
                raise ValueError(
                    f"{path}={value} tells the losses of several heads apart, but model.heads="
                    f"{self.model.heads} has one head: use model.heads=multi, or leave {path} out"
                )
        return self

    @model_validator(mode="after")
    def _members_share_persons_and_epochs(self) -> Self:
        for name, own in self.members.settings.items():
            for path in own:
                if path.startswith(SHARED):
                    raise ValueError(
                        f"members.settings.{name}: {path} is one for all networks of a trial: set "
                        "it for the trial"
                    )
            try:
                self.model_copy(update={"members": MembersConfig()}).with_values(own)
            except UserError as error:
                raise UserError(f"members.settings.{name}: {error}") from None
        return self

    @model_validator(mode="after")
    def _members_that_vote_answer_the_same(self) -> Self:
        if self.members.vote != "task":
            answered = {name: own.model.tasks for name, own in self.member_configs().items()}
            if len(set(answered.values())) > 1:
                raise ValueError(
                    f"members.vote={self.members.vote} needs networks that answer the same tasks, "
                    f"but they answer {answered}: use members.vote=task"
                )
        return self

    def with_values(self, values: Mapping[str, Value]) -> Self:
        """Return a checked copy with ``values`` (dotted path -> value) in place in each member."""
        tree = self.model_dump()
        for path, value in values.items():
            _set(tree, path, value)
        for own in tree["members"]["settings"].values():
            for path in own.keys() & values.keys():
                del own[path]
        return check_settings(type(self), tree)

    def member_configs(self) -> dict[str, "TrialConfig"]:
        """Return the settings of each network by the member's name; one network has the name ''."""
        alone = self.model_copy(update={"members": MembersConfig()})
        own = self.members.settings
        if not own or self.members.use == "none":
            return {"": alone}
        if self.members.use != "all":
            return {"": alone.with_values(own[self.members.use])}
        return {name: alone.with_values(values) for name, values in own.items()}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the trial answers."""
        answered = {task for one in self.member_configs().values() for task in one.model.tasks}
        return tuple(task for task in TASKS if task in answered)

    @property
    def steps(self) -> int:
        """Steps of a trial that is not stopped: epochs, of each fold where they come in turn."""
        in_turn = self.cv.folds if self.cv.fidelity == "folds" else 1
        return self.train.epochs * in_turn

    def value(self, path: str) -> Any:
        """Return the value at a dotted path."""
        found: Any = self
        for name in path.split("."):
            found = getattr(found, name)
        return found

    def identity(self) -> str:
        """Return 12 hex digits that equal settings share, wherever the data and machine are."""
        settings = self.model_dump(exclude={"machine": True, "data": {"root", "follow_links"}})
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class RunsConfig(Section):
    """Where what is trained is kept."""

    runs: str = Field(default="runs", description="folder of all experiments")
    name: str = Field(default="", description="name of the experiment; empty: made from the time")


def trial_part(config: TrialConfig) -> TrialConfig:
    """Return the trial's settings of a command's configuration, with absolute paths of files."""
    tree = config.model_dump(include=set(TrialConfig.model_fields))
    for name, kept in (("root", DEMO), ("face_boxes", DETECTED), ("label_fixes", KNOWN_FIXES)):
        given = tree["data"][name]
        if given not in ("", kept) and isinstance(place := location(given), Path):
            tree["data"][name] = str(place.expanduser().resolve())
    return TrialConfig.model_validate(tree)


def _set(tree: dict[str, Any], path: str, value: Value) -> None:
    known = setting_paths(TrialConfig)
    if path not in known:
        raise unknown_name("setting", path, known)
    *sections, name = path.split(".")
    for section in sections:
        tree = tree[section]
    tree[name] = value
