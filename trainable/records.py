"""What is kept of an experiment, a trial and an epoch? The records that the store writes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from trainable.config import TrialConfig
from trainable.metric_names import main_score, score_name
from trainable.settings import Section, Value

Status = Literal["running", "stopped", "completed", "failed"]


class EpochRecord(Section):
    """One finished epoch of all folds, or of one where they come in turn (cv.fidelity=folds)."""

    epoch: int = Field(
        ge=1,
        description="epochs trained so far; of folds in turn steps: those before count "
        "train.epochs each, and so does this one when it is complete",
    )
    folds: int = Field(default=1, ge=1, description="folds whose predictions the metrics pool")
    metrics: dict[str, float] = Field(description="metrics pooled over the folds")
    members: dict[str, dict[str, float]] = Field(
        default={}, description="the same of each network that votes in the trial"
    )
    train_loss: float = Field(description="mean loss over the training images")
    lr: float = Field(description="learning rate at the end of the epoch")
    seconds: dict[str, float] = Field(description="where the time went: data, step, validation ...")
    memory_bytes: int = Field(
        default=0,
        ge=0,
        description="most that the process had taken by then: of the GPU, or without one at all",
    )

    @property
    def score(self) -> float:
        """The metric that trials are ranked by."""
        return main_score(self.metrics)

    @property
    def score_name(self) -> str:
        """What the score is: macro-F1, or of a trial for some tasks their F1."""
        return score_name(self.metrics)

    @property
    def epoch_seconds(self) -> float:
        """Seconds the epoch took."""
        return sum(self.seconds.values())


class MachineRecord(Section):
    """Where a trial ran: what must be alike for the same numbers to the last digit."""

    host: str
    process: int
    device: str
    precision: str
    threads: int
    torch: str
    processor: str


class TrialRecord(Section):
    """What a trial is: its full settings, and which of them the search chose."""

    trial: str
    config: TrialConfig
    values: dict[str, Value] = Field(description="dotted path -> value that the search chose")
    machine: MachineRecord
    identity: str = Field(description="equal for equal settings, wherever they are trained")
    views: dict[str, str] = Field(
        default={}, description="network -> digest of its training labels and crops"
    )
    setup_seconds: float = Field(description="reading the data and building the networks")
    started: str = Field(description="ISO 8601, UTC")
    taken_from: str = Field(
        default="", description="<experiment>/<trial> whose results these are; empty: trained"
    )
    mixed_from: list[str] = Field(
        default=[], description="trials whose weights were averaged into these; empty: trained"
    )


class Outcome(Section):
    """How a trial ended."""

    status: Status
    reason: str = Field(
        default="", description="one sentence for people; empty when nothing went wrong"
    )
    traceback: str = ""


class FirstTrial(Section):
    """A configuration that a search tries before its sampler draws any."""

    values: dict[str, Value] = Field(description="dotted path -> value; the rest is drawn")
    source: str = Field(description="<experiment>/<trial>, or a recipe")
    reason: str = Field(description="why it was taken, and what was changed to fit the space")


SEED = "train.seed"
"""What tells the trainings of one configuration apart."""


class ConfirmedTrial(Section):
    """A trial that is trained again, with other seeds, to see what it is really worth."""

    trial: str = Field(description="<experiment>/<trial> that was chosen")
    score: float = Field(description="what it was chosen by")
    values: dict[str, Value] = Field(
        description="dotted path -> value of each training; train.seed, apart from these, differs"
    )


class Resumption(Section):
    """A search that was taken up again."""

    at: str = Field(description="ISO 8601, UTC")
    words: list[str] = Field(description="the command line as it counts from then on")
    data_fingerprint: str
    changes: list[str] = Field(description="what was no longer as before, and was accepted")


class ExperimentRecord(Section):
    """What an experiment is: the question, the words it was started with, the data."""

    experiment: str
    question: str
    command: str = Field(description="the module that was called")
    words: list[str] = Field(description="the command line after it")
    settings: dict[str, object] = Field(description="all settings of the search, resolved")
    space: dict[str, str] = Field(description="dotted path -> values it may take, as JSON")
    first: list[FirstTrial] = Field(default=[], description="what history gave to start with")
    confirms: list[ConfirmedTrial] = Field(
        default=[], description="what a confirmation trains again, best first; empty: it is none"
    )
    data_root: str = Field(description="folder the data was read from")
    data_fingerprint: str
    skipped_images: list[str]
    faceless_images: list[str] = Field(
        default=[], description="kept whole where others are cropped to the face"
    )
    fixed_labels: int = Field(default=0, description="images trained with a corrected label")
    versions: dict[str, str]
    started: list[str] = Field(description="ISO 8601, UTC; one entry a start or resume")
    resumed: list[Resumption] = Field(default=[], description="one entry a resume")


class TrialResults(Section):
    """All that is stored of a trial, but for its arrays."""

    record: TrialRecord
    epochs: list[EpochRecord]
    outcome: Outcome

    @property
    def best(self) -> EpochRecord | None:
        """The record with the highest score over the most folds; None before the first."""
        return best_epoch(self.epochs)

    @property
    def best_length(self) -> int | None:
        """How many epochs of training were best: all folds' together, or the first one's."""
        length = self.record.config.train.epochs
        best = best_epoch([epoch for epoch in self.epochs if epoch.epoch <= length])
        return best and best.epoch


def rank(epoch: EpochRecord) -> tuple[int, float]:
    """Return what epochs and trials are compared by: over how many folds, then the score."""
    return epoch.folds, epoch.score


def best_epoch(epochs: Sequence[EpochRecord]) -> EpochRecord | None:
    """Return the record with the highest score of those over the most folds; None of none.

    Of equals it is the earliest.
    """
    return max(epochs, key=rank, default=None)


def compact(values: Mapping[str, Value]) -> str:
    """Return settings by the last word of their paths, or by the path where that is not unique."""
    short = {path: path.removesuffix(".name").rpartition(".")[2] for path in values}
    uses = Counter(short.values())
    return " ".join(
        f"{short[path] if uses[short[path]] == 1 else path}={_plain(value)}"
        for path, value in values.items()
    )


def _plain(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) else str(value).lower()
