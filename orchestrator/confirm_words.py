"""What can be asked of a confirmation? The words of `python -m orchestrator.confirm`."""

from collections.abc import Sequence

from pydantic import Field, field_validator

from orchestrator.config import ClusterSection, TrainingSection
from trainable.command_line import Schema
from trainable.settings import Names, Section, UserError
from trainable.store import LATEST

TOP = "--top"


class ConfirmConfig(Section):
    """Every word of a confirmation: a trial's settings are as they were."""

    experiment: str = Field(default=LATEST, description="whose trials are confirmed")
    top: int = Field(default=3, ge=1, le=100, description="how many of the best; also: --top 3")
    trials: Names = Field(
        default=(), description="exactly these: names with commas between; empty: the best"
    )
    folds: int = Field(default=5, ge=1, le=20, description="folds of persons, 2 or more")
    seeds: int = Field(default=3, ge=1, le=100, description="trainings of each trial")
    resume: str = Field(default="", description="confirmation to go on with; latest: the newest")
    search: TrainingSection = Field(
        default=TrainingSection(), description="where, until when, and what is kept"
    )
    cluster: ClusterSection = Field(default=ClusterSection(), description="where trials run")

    @field_validator("folds")
    @classmethod
    def _folds_are_several(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError(
                "folds=1 is one split, which scores a part of the persons: use folds=2 to 20"
            )
        return folds


SCHEMA = Schema("orchestrator.confirm", ConfirmConfig, groups={}, lists=frozenset({"trials"}))


def without_options(words: Sequence[str]) -> list[str]:
    """Return the words with `--top 3` and `--top=3` as `top=3`."""
    found, rest = list[str](), iter(words)
    for word in rest:
        if word == TOP:
            number = next(rest, "")
            if not number or "=" in number:
                raise UserError("--top needs a number: --top 3")
            found.append(f"top={number}")
        else:
            found.append(word.removeprefix("--") if word.startswith(f"{TOP}=") else word)
    return found
