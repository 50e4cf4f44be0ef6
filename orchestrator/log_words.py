"""Where else can trials be logged? The words under ``log.``."""

from importlib.util import find_spec

from pydantic import Field, ValidationInfo, field_validator

from trainable.settings import Section


class LogSection(Section):
    """Where else trials are logged when they end; TensorBoard shows them in any case."""

    wandb: bool = Field(
        default=False,
        description="Weights & Biases, offline: <experiment>/wandb, for wandb sync",
    )
    mlflow: bool = Field(default=False, description="MLflow: <experiment>/mlflow.db, for mlflow ui")

    @field_validator("wandb", "mlflow")
    @classmethod
    def _its_extra_is_installed(cls, asked: bool, info: ValidationInfo) -> bool:
        name = info.field_name or ""
        if asked and find_spec(name) is None:
            raise ValueError(
                f"log.{name}=true needs the extra {name}, which is not installed: "
                f"pip install -c constraints.txt -e '.[{name}]'"
            )
        return asked
