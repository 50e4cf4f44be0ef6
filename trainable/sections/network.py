"""Which network does a trial train, and how does it predict?"""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from trainable.labels import TASKS
from trainable.settings import Section

TASKS_OF_HEADS: Mapping[str, tuple[str, ...]] = {
    "joint": TASKS,
    "multi": TASKS,
    **{task: (task,) for task in TASKS},
}
"""model.heads -> the tasks that the network answers."""


class ModelConfig(Section):
    """Which network."""

    backbone: str = Field(default="mobilenetv3_small_050", description="any model name of timm")
    pretrained: bool = Field(default=False, description="start from timm's pretrained weights")
    heads: Literal["joint", "multi", "mask", "gender", "age"] = Field(
        default="joint",
        description="joint: one head of 18 classes; multi: mask, gender and age heads; mask, "
        "gender or age: that head alone",
    )
    age_head: Literal["classes", "distribution"] = Field(
        default="classes",
        description="distribution: the age head predicts 60 one-year bins, summed to brackets",
    )
    hidden: int = Field(
        default=0, ge=0, le=8192, description="width of a layer between backbone and heads; 0: none"
    )
    dropout: float = Field(
        default=0.0, ge=0, le=0.9, description="dropout before the head, and after the hidden layer"
    )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the network answers."""
        return TASKS_OF_HEADS[self.heads]

    @model_validator(mode="after")
    def _distribution_needs_an_age_head(self) -> Self:
        if self.age_head == "distribution" and self.heads not in ("multi", "age"):
            raise ValueError(
                f"model.age_head=distribution needs an age head of its own, but model.heads="
                f"{self.heads} has none: use model.heads=multi or age"
            )
        return self


class PredictConfig(Section):
    """How an image is predicted: views of it are averaged."""

    flip: bool = Field(default=False, description="each view and its mirror image")
    crops: Literal[1, 5] = Field(
        default=1,
        description="5: four corners and the centre, nine tenths of each side, not the whole",
    )
