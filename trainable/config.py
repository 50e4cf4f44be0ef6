"""What is one trial? Its complete, frozen and checked settings."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Value = bool | int | float | str | None
"""One setting's value, as a search space, a command line or a JSON file holds it."""

DEMO = "demo"
"""data.root of the embedded demo data."""
LossName = Literal["cross_entropy", "focal", "f1"]


Model = TypeVar("Model", bound=BaseModel)


class UserError(ValueError):
    """A mistake of the user's: the message says what was wrong, where, and what is allowed."""


class Section(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Section):
    """Which images, and at which size the network sees them."""

    root: str = Field(
        default="demo", description="data folder in the competition's layout, or `demo`"
    )
    skip_unreadable: bool = Field(
        default=False, description="leave unreadable images out instead of stopping"
    )
    image_height: int = Field(
        default=96, ge=32, le=1024, description="height the network sees, pixels"
    )
    image_width: int = Field(
        default=72, ge=32, le=1024, description="width the network sees, pixels"
    )


class CvConfig(Section):
    """How persons are divided between training and validation."""

    folds: int = Field(default=1, ge=1, le=20, description="folds advancing together; 1: one split")
    validation_share: float = Field(
        default=0.2, ge=0.05, le=0.5, description="share of persons held back when folds=1"
    )
    seed: int = Field(
        default=0, ge=0, description="seed of the split; trials compare only within one"
    )


class TrainConfig(Section):
    """How long and on which training rows."""

    epochs: int = Field(
        default=8, ge=1, le=1000, description="epochs of a trial that is not stopped"
    )
    batch_size: int = Field(default=32, ge=2, le=4096, description="images per optimizer step")
    seed: int = Field(default=0, ge=0, description="seed of weights, order and augmentation")
    sampler: Literal["shuffle", "balanced"] = Field(
        default="shuffle", description="order of training images; balanced: classes equally often"
    )
    age_cutoff: int = Field(
        default=60, ge=50, le=60, description="persons from this age on are trained as old"
    )
    drop_below_30: int = Field(
        default=0, ge=0, le=10, description="years below 30 left out of training (3: ages 27-29)"
    )
    drop_below_60: int = Field(
        default=0, ge=0, le=10, description="years below 60 left out of training (3: ages 57-59)"
    )

    @model_validator(mode="after")
    def _cutoff_and_dropped_band_agree(self) -> Self:
        first_dropped = 60 - self.drop_below_60
        if self.drop_below_60 and self.age_cutoff < 60:
            raise ValueError(
                f"train.age_cutoff={self.age_cutoff} trains ages {self.age_cutoff}-59 as old, but "
                f"train.drop_below_60={self.drop_below_60} leaves out ages {first_dropped}-59: "
                "choose one of the two"
            )
        return self


class ModelConfig(Section):
    """Which network."""

    backbone: str = Field(default="mobilenetv3_small_050", description="any model name of timm")
    pretrained: bool = Field(default=False, description="start from timm's pretrained weights")
    heads: Literal["joint", "multi"] = Field(
        default="joint",
        description="joint: one head of 18 classes; multi: mask, gender and age heads",
    )
    dropout: float = Field(default=0.0, ge=0, le=0.9, description="dropout before the head")


class MixConfig(Section):
    """Shares of further losses; the main loss keeps what is left of 1."""

    cross_entropy: float = Field(default=0.0, ge=0, lt=1, description="share of cross-entropy")
    focal: float = Field(default=0.0, ge=0, lt=1, description="share of focal loss")
    f1: float = Field(default=0.0, ge=0, lt=1, description="share of soft macro-F1 loss")

    @model_validator(mode="after")
    def _leave_something_for_the_main_loss(self) -> Self:
        total = self.cross_entropy + self.focal + self.f1
        if total >= 1:
            raise ValueError(f"loss.mix shares add up to {total:g}; they must stay below 1")
        return self


class LossConfig(Section):
    """What training minimises."""

    name: LossName = Field(default="cross_entropy", description="main loss")
    gamma: float = Field(
        default=2.0, ge=0, le=10, description="focusing exponent of the focal loss"
    )
    smoothing: float = Field(default=0.0, ge=0, lt=1, description="label smoothing")
    class_weights: Literal["none", "inverse"] = Field(
        default="none", description="inverse: classes weighted by 1/count in the training side"
    )
    mix: MixConfig = Field(default=MixConfig(), description="shares of further losses")

    @model_validator(mode="after")
    def _main_loss_is_not_its_own_share(self) -> Self:
        if getattr(self.mix, self.name) > 0:
            raise ValueError(f"loss.mix.{self.name} repeats loss.name={self.name}")
        return self


class AugmentConfig(Section):
    """With which probability each augmentation changes a training image."""

    flip: float = Field(default=0.0, ge=0, le=1, description="horizontal flip")
    flip_old: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="horizontal flip of persons of 60 and over; the larger counts",
    )
    brightness_contrast: float = Field(
        default=0.0, ge=0, le=1, description="brightness and contrast shifted by up to 20 %"
    )
    blur: float = Field(default=0.0, ge=0, le=1, description="Gaussian blur")
    erasing: float = Field(default=0.0, ge=0, le=1, description="one rectangle of 2-10 % erased")
    horizontal_cutmix: float = Field(
        default=0.0, ge=0, le=1, description="right half taken from an image of the same class"
    )
    greyscale: float = Field(default=0.0, ge=0, le=1, description="colours removed")


class OptimConfig(Section):
    """How the weights move."""

    name: Literal["adamw", "adam", "sgd", "nadamw", "rmsprop", "lamb", "adamp", "madgrad"] = Field(
        default="adamw", description="optimizer of timm"
    )
    lr: float = Field(default=2e-3, gt=0, description="highest learning rate")
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="weight decay")
    schedule: Literal["cosine", "step", "constant"] = Field(
        default="cosine", description="learning-rate schedule over train.epochs"
    )
    warmup_epochs: int = Field(default=0, ge=0, description="epochs of linear warm-up")
    step_epochs: int = Field(
        default=2, ge=1, description="epochs between two steps of schedule=step"
    )
    step_factor: float = Field(default=0.5, gt=0, lt=1, description="factor of each step")


class PredictConfig(Section):
    """How an image is predicted."""

    flip: bool = Field(
        default=False, description="average the image's and its mirror image's prediction"
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


class TrialConfig(Section):
    """Every setting of one trial; a variant is the base with a few paths changed."""

    data: DataConfig = Field(default=DataConfig(), description="images")
    cv: CvConfig = Field(default=CvConfig(), description="persons in training and validation")
    train: TrainConfig = Field(default=TrainConfig(), description="training")
    model: ModelConfig = Field(default=ModelConfig(), description="network")
    loss: LossConfig = Field(default=LossConfig(), description="loss")
    augment: AugmentConfig = Field(
        default=AugmentConfig(), description="augmentation probabilities"
    )
    optim: OptimConfig = Field(default=OptimConfig(), description="optimizer and schedule")
    predict: PredictConfig = Field(default=PredictConfig(), description="prediction")
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

    def with_values(self, values: Mapping[str, Value]) -> Self:
        """Return a checked copy with ``values`` (dotted path -> value) in place."""
        tree = self.model_dump()
        for path, value in values.items():
            _set(tree, path, value)
        return check_settings(type(self), tree)

    def value(self, path: str) -> Any:
        """Return the value at a dotted path."""
        found: Any = self
        for name in path.split("."):
            found = getattr(found, name)
        return found

    def identity(self) -> str:
        """Return 12 hex digits that equal settings share, wherever the data and machine are."""
        settings = self.model_dump(exclude={"machine": True, "data": {"root"}})
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class RunsConfig(Section):
    """Where what is trained is kept."""

    runs: str = Field(default="runs", description="folder of all experiments")
    name: str = Field(default="", description="name of the experiment; empty: made from the time")


def trial_part(config: TrialConfig) -> TrialConfig:
    """Return the trial's settings of a command's configuration, with ``data.root`` absolute."""
    tree = config.model_dump(include=set(TrialConfig.model_fields))
    root = config.data.root
    tree["data"]["root"] = root if root == DEMO else str(Path(root).expanduser().resolve())
    return TrialConfig.model_validate(tree)


def setting_paths(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the dotted paths of all single settings below ``model``."""
    paths: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            paths += setting_paths(kind, f"{prefix}{name}.")
        else:
            paths.append(f"{prefix}{name}")
    return paths


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a misspelt name: near matches first, else all that are known."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.55)
    near += [other for other in names if other.endswith(f".{name}") and other not in near]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return UserError(f"unknown {kind} '{name}'; {hint}")


def check_settings(model: type[Model], tree: Mapping[str, Any]) -> Model:
    """Build ``model`` from nested values; raise UserError with a line for each bad one."""
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors()]
        raise UserError("\n".join(lines)) from None


def _explain(problem: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    message = str(problem["msg"]).removeprefix("Input ").removeprefix("Value error, ")
    return f"{path}={problem['input']!r}: {message}{_near(problem)}"


def _near(problem: Mapping[str, Any]) -> str:
    if problem["type"] != "literal_error":
        return ""
    allowed = str(problem["ctx"]["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
    near = difflib.get_close_matches(str(problem["input"]), allowed, n=1, cutoff=0.4)
    return f"; did you mean {near[0]}?" if near else ""


def _set(tree: dict[str, Any], path: str, value: Value) -> None:
    known = setting_paths(TrialConfig)
    if path not in known:
        raise unknown_name("setting", path, known)
    *sections, name = path.split(".")
    for section in sections:
        tree = tree[section]
    tree[name] = value
