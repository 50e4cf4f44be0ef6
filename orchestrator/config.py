"""What can be asked of a search? The words of `python -m orchestrator.search`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field, ValidationInfo, field_validator, model_validator

from orchestrator.deadline import parse_clock, parse_duration
from orchestrator.log_words import LogSection
from search_spaces.catalogue import SPACES
from trainable.command_line import TRIAL_GROUPS, Schema
from trainable.config import RunsConfig, TrialConfig
from trainable.locations import location
from trainable.recipes.recipe import Settings
from trainable.settings import Section


class TrainingSection(RunsConfig):
    """Until when trials are trained, and what is kept of them."""

    budget: str = Field(default="", description="time until all is ready: 90m, 2h, 1h30m")
    finish_by: str = Field(default="", description="clock time when all is ready: 18:00")
    keep: int = Field(
        default=8,
        ge=1,
        description="best trials whose weights are kept, and the eval predicted with",
    )
    anyway: bool = Field(
        default=False, description="resume although data, space or code have changed"
    )

    @field_validator("budget", mode="before")
    @classmethod
    def _budget_is_a_duration(cls, typed: Any) -> str:
        text = str(typed)
        if text:
            parse_duration(text)
        return text

    @field_validator("finish_by")
    @classmethod
    def _finish_by_is_a_clock_time(cls, text: str) -> str:
        if text:
            parse_clock(text)
        return text


class SearchSection(TrainingSection):
    """How much is tried, and how it is chosen."""

    trials: int = Field(default=12, ge=1, le=100_000, description="configurations to try")
    seed: int = Field(default=0, ge=0, description="seed of the sampler")
    sampler: Literal["kde", "tpe", "gp", "random", "grid"] = Field(
        default="kde",
        description="who draws configurations: kde learns from rungs; tpe, gp, random: Optuna's; "
        "grid: every combination of listed values",
    )
    history: tuple[str, ...] = Field(
        default=("recipes",),
        description="what is tried first: the best of earlier experiments by name, or of all; "
        "recipes: the teams'; none",
    )
    final_folds: int = Field(
        default=0,
        ge=0,
        le=20,
        description="train the best trial on so many folds when the search is over; 0: do not",
    )

    @field_validator("final_folds")
    @classmethod
    def _final_folds_are_several(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("search.final_folds=1 is one split, which the search has: use 2 to 20")
        return folds

    @field_validator("history", mode="before")
    @classmethod
    def _one_experiment_needs_no_brackets(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class ClusterSection(Section):
    """Where trials run."""

    address: str = Field(default="", description="Ray cluster to join; empty: this machine")
    cpus_per_trial: float | None = Field(
        default=None, gt=0, description="CPU cores of a trial; null: shared out evenly"
    )
    gpus_per_trial: float | None = Field(
        default=None,
        ge=0,
        description="GPUs of a trial: 0.5 for half, 2 for two that share its batches; null: as "
        "much of one as the largest trial needs",
    )

    @field_validator("cpus_per_trial", "gpus_per_trial")
    @classmethod
    def _whole_ones_or_a_share_of_one(
        cls, number: float | None, info: ValidationInfo
    ) -> float | None:
        if number is not None and number > 1 and number != int(number):
            raise ValueError(
                f"cluster.{info.field_name}={number:g}: give a share of one or whole ones"
            )
        return number

    max_concurrent: int = Field(default=0, ge=0, description="most trials at once; 0: all that fit")


class SchedulerSection(Section):
    """When a trial is given up."""

    name: Literal["halving", "asha", "fifo", "median"] = Field(
        default="halving", description="rule"
    )
    promote: bool = Field(
        default=True,
        description="halving: trials pause at a rung, and the best paused one goes on before "
        "anything new starts; false: at a rung a trial goes on at once or is stopped",
    )
    grace_epochs: int = Field(default=2, ge=1, description="epochs before the first rung")
    reduction: float = Field(default=3, gt=1, description="one in so many goes on at a rung")


class Asking(Protocol):
    """What every command that trains trials is told."""

    @property
    def resume(self) -> str:
        """The experiment to go on with; empty: start one."""
        ...

    @property
    def search(self) -> TrainingSection:
        """Where, until when, and what is kept."""
        ...


class SearchConfig(TrialConfig):
    """Every word of a search; a trial's own settings are the base that the space varies."""

    space: tuple[str, ...] = Field(
        default=("loss_aug",), description=f"one or more of {', '.join(SPACES)}"
    )
    recipe: str = Field(default="plain", description="recipe the trials start from")
    scale: str = Field(default="full", description="scale of backbone and images")
    resume: str = Field(default="", description="experiment to go on with; latest: the newest")
    search: SearchSection = Field(default=SearchSection(), description="how much is tried")
    cluster: ClusterSection = Field(default=ClusterSection(), description="where trials run")
    scheduler: SchedulerSection = Field(
        default=SchedulerSection(), description="when a trial is given up"
    )
    log: LogSection = Field(default=LogSection(), description="where else trials are logged")

    @field_validator("space", mode="before")
    @classmethod
    def _one_space_needs_no_brackets(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _logs_have_a_disk(self) -> "SearchConfig":
        is_local = isinstance(location(self.search.runs), Path)
        for name, asked in self.log:
            if asked and not is_local:
                raise ValueError(
                    f"log.{name} writes to a local folder alone, which search.runs="
                    f"{self.search.runs} is not: leave one of them out"
                )
        return self


SCHEDULERS: Mapping[str, Settings] = {
    name: {"scheduler.name": name} for name in ("halving", "asha", "fifo", "median")
}
"""halving: successive halving; asha: Ray's own; fifo: nobody is stopped; median: who is below the
median is stopped."""

SCHEMA = Schema(
    command="orchestrator.search",
    settings=SearchConfig,
    groups={**TRIAL_GROUPS, "scheduler": SCHEDULERS},
    lists=frozenset({"space", "search.history"}),
)
