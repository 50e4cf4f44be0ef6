"""How do the weights move?"""

from typing import Literal, Self

from pydantic import Field, model_validator

from trainable.settings import Section


class OptimConfig(Section):
    """How the weights move."""

    name: Literal["adamw", "adam", "sgd", "nadamw", "rmsprop", "lamb", "adamp", "madgrad"] = Field(
        default="adamw", description="optimizer of timm"
    )
    lr: float = Field(default=2e-3, gt=0, description="highest learning rate")
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="weight decay")
    schedule: Literal["cosine", "step", "constant", "one_cycle"] = Field(
        default="cosine", description="learning-rate schedule over train.epochs"
    )
    warmup_epochs: int = Field(
        default=0,
        ge=0,
        description="epochs of warm-up: linear; one_cycle's own if 0 is three tenths",
    )
    step_epochs: int = Field(
        default=2, ge=1, description="epochs between two steps of schedule=step"
    )
    step_factor: float = Field(default=0.5, gt=0, lt=1, description="factor of each step")
    sam_rho: float = Field(
        default=0.0, ge=0, le=1, description="radius of sharpness-aware minimisation; 0: without"
    )
    ema_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="decay, warmed up, of averaged weights that predict; 0: without",
    )
    freeze_epochs: int = Field(
        default=0, ge=0, description="first epochs in which only the head is trained"
    )
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="factor of the learning rate from layer to layer down"
    )
    accumulate: int = Field(
        default=1, ge=1, le=256, description="batches whose gradients make one step"
    )
    clip_norm: float = Field(
        default=0.0, ge=0, description="largest norm of the gradients; 0: not clipped"
    )

    @model_validator(mode="after")
    def _sam_takes_a_batch_a_step(self) -> Self:
        if self.sam_rho and self.accumulate > 1:
            raise ValueError(
                f"optim.sam_rho={self.sam_rho:g} looks at each batch twice and cannot gather "
                f"optim.accumulate={self.accumulate} of them: choose one of the two"
            )
        return self
