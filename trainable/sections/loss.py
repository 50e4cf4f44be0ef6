"""What does training minimise?"""

from typing import Literal, Self

from pydantic import Field, model_validator

from trainable.settings import Section

LossName = Literal["cross_entropy", "focal", "f1"]
TaskLossName = Literal["same", "cross_entropy", "focal", "f1"]


class MixConfig(Section):
    """Shares of further losses; the main loss keeps what is left of 1."""

    cross_entropy: float = Field(default=0.0, ge=0, lt=1, description="share of cross-entropy")
    focal: float = Field(default=0.0, ge=0, lt=1, description="share of focal loss")
    f1: float = Field(default=0.0, ge=0, lt=1, description="share of soft macro-F1 loss")

    @model_validator(mode="after")
    def _leave_something_for_the_main_loss(self) -> Self:
        shares = {f"loss.mix.{name}": share for name, share in self if share}
        total = sum(shares.values())
        if total >= 1:
            given = " and ".join(f"{path}={share:g}" for path, share in shares.items())
            raise ValueError(
                f"{given} leave nothing for the main loss: they add up to {total:g}, and must "
                "stay below 1"
            )
        return self


class TaskConfig(Section):
    """The loss of one head of several."""

    name: TaskLossName = Field(default="same", description="its main loss; same: loss.name")
    weight: float = Field(
        default=1.0, gt=0, le=100, description="its weight in the sum if weighting=fixed"
    )


class LossConfig(Section):
    """What training minimises."""

    name: LossName = Field(default="cross_entropy", description="main loss")
    gamma: float = Field(
        default=2.0, ge=0, le=10, description="focusing exponent of the focal loss"
    )
    smoothing: float = Field(default=0.0, ge=0, lt=1, description="label smoothing")
    class_weights: Literal["none", "inverse", "effective"] = Field(
        default="none",
        description="inverse: classes weighted by 1/count in the training side; effective: by "
        "1/effective number of images",
    )
    beta: float = Field(
        default=0.999, ge=0, lt=1, description="overlap of images in the effective number"
    )
    mix: MixConfig = Field(default=MixConfig(), description="shares of further losses")
    weighting: Literal["fixed", "uncertainty"] = Field(
        default="fixed",
        description="uncertainty: weights of the heads' losses are learned with the network",
    )
    mask: TaskConfig = Field(default=TaskConfig(), description="loss of the mask head")
    gender: TaskConfig = Field(default=TaskConfig(), description="loss of the gender head")
    age: TaskConfig = Field(default=TaskConfig(), description="loss of the age head")
    age_spread: float = Field(
        default=4.0, ge=0.1, le=8, description="years round a person's age that share its label"
    )
    age_bracket: float = Field(
        default=0.5, ge=0, le=10, description="weight of the bracket's loss beside the years' KL"
    )

    def of_task(self, task: str) -> LossName:
        """Return the main loss of one of several heads."""
        own = getattr(self, task).name
        return self.name if own == "same" else own

    def task_settings(self) -> dict[str, str | float]:
        """Return the settings that tell several heads apart and are not at their defaults."""
        plain, found = TaskConfig(), dict[str, str | float]()
        for task in ("mask", "gender", "age"):
            own: TaskConfig = getattr(self, task)
            if own.name != plain.name:
                found[f"loss.{task}.name"] = own.name
            if own.weight != plain.weight:
                found[f"loss.{task}.weight"] = own.weight
        if self.weighting != "fixed":
            found["loss.weighting"] = self.weighting
        return found

    @model_validator(mode="after")
    def _main_loss_is_not_its_own_share(self) -> Self:
        mains = {
            "loss.name": self.name,
            "loss.mask.name": self.mask.name,
            "loss.gender.name": self.gender.name,
            "loss.age.name": self.age.name,
        }
        for path, name in mains.items():
            share = getattr(self.mix, name, 0)
            if share > 0:
                raise ValueError(
                    f"loss.mix.{name}={share:g} repeats the main loss {path}={name}: choose "
                    "another for one of the two"
                )
        return self
