"""What does a large search leave behind? Its stored files, with made-up trials of real size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray

from search_spaces.catalogue import SPACES
from trainable.arrays import Probabilities
from trainable.config import TrialConfig
from trainable.experiment import versions
from trainable.labels import CLASS_COUNT
from trainable.metric_names import METRICS
from trainable.metrics import scores
from trainable.records import EpochRecord, ExperimentRecord, MachineRecord, Outcome, TrialRecord
from trainable.settings import Value
from trainable.store import ExperimentFolder, create_experiment, now
from trainable.table import FaceTable, read_table

NAME, SPACE = "large", "loss_aug"
EPOCHS, RUNGS, REDUCTION = 18, (2, 6), 3
IMAGES_EACH = 7
PREDICTED = 5
"""Best trials that predicted the eval images."""
BLUR = 4.0
"""How much wider than a right answer the noise of a trial that learns nothing is."""
MACHINE = MachineRecord(
    host="here",
    process=1,
    device="cpu",
    precision="float32",
    threads=1,
    torch="2",
    processor="x86_64",
)
SETTINGS: dict[str, object] = {
    "scheduler": {"name": "halving", "grace_epochs": RUNGS[0], "reduction": REDUCTION}
}


@dataclass(frozen=True)
class Large:
    """How large a search is: its trials, and the persons they predicted."""

    trials: int = 200
    persons: int = 2700


def write_search(runs: Path, data: Path, size: Large) -> ExperimentFolder:
    """Write a search that has ended, on the images of a data folder, its persons repeated."""
    folder = create_experiment(runs, NAME)
    table = read_table(data)
    images = repeated(table, size.persons)
    folder.write_images(images, table.eval_images)
    folder.write_record(_record(data))
    random = np.random.default_rng(0)
    values = _drawn(size.trials)
    goodness = [_goodness(own, random) for own in values]
    lengths = _lengths(goodness)
    for number, own in enumerate(values):
        name = f"trial-{number + 1:03d}"
        _write_trial(folder, name, own, (goodness[number], lengths[number]), images, random)
    for number in np.argsort(goodness)[-PREDICTED:]:
        _write_eval(folder, f"trial-{number + 1:03d}", goodness[number], random)
    _write_journal(folder, lengths)
    folder.become_latest()
    return folder


def repeated(table: FaceTable, persons: int) -> pd.DataFrame:
    """Return the images of a table again and again, as those of so many different persons."""
    rows = np.arange(persons * IMAGES_EACH)
    images = table.images.iloc[rows % len(table.images)].reset_index(drop=True)
    again = (rows // len(table.images)).astype(str)
    return images.assign(person=images["person"].astype(str) + "-" + again)


def _record(data: Path) -> ExperimentRecord:
    space = SPACES[SPACE]
    return ExperimentRecord(
        experiment=NAME,
        question=space.question,
        command="orchestrator.search",
        words=[f"space={SPACE}"],
        settings=SETTINGS,
        space=space.as_json(),
        data_root=str(data),
        data_fingerprint="made up",
        skipped_images=[],
        versions=versions(),
        started=[now()],
    )


def _drawn(trials: int) -> list[dict[str, Value]]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    base = TrialConfig()
    return [SPACES[SPACE].suggest(study.ask(), base) for _ in range(trials)]


def _goodness(values: Mapping[str, Value], random: np.random.Generator) -> float:
    """Return from 0 to 1 how well a configuration learns: the rate counts, and the loss."""
    rate = np.log10(float(str(values["optim.lr"]))) + 2.7
    loss = {"focal": 0.15, "cross_entropy": 0.1, "f1": 0.0}[str(values["loss.name"])]
    return float(np.clip(0.75 - 0.6 * rate**2 + loss + random.normal(0, 0.03), 0.05, 0.95))


def _lengths(goodness: Sequence[float]) -> list[int]:
    """Return how many epochs each trial trains: a third goes on at each rung."""
    order = np.argsort(np.argsort([-one for one in goodness]))
    lengths: list[int] = []
    for place in order:
        passed = sum(place < len(goodness) / REDUCTION**rung for rung in (1, 2))
        lengths.append((*RUNGS, EPOCHS)[passed])
    return lengths


def _write_trial(
    folder: ExperimentFolder,
    name: str,
    values: dict[str, Value],
    learnt: tuple[float, int],
    images: pd.DataFrame,
    random: np.random.Generator,
) -> None:
    goodness, length = learnt
    config = TrialConfig().with_values({**values, "train.epochs": EPOCHS, "cv.folds": 5})
    trial = folder.trial(name)
    trial.write_record(
        TrialRecord(
            trial=name,
            config=config,
            values=values,
            machine=MACHINE,
            identity=name,
            setup_seconds=0.5,
            started=now(),
        )
    )
    found = _predicted(images["label"].to_numpy(), goodness * (1 - 0.5 / length), random)
    rows = np.arange(len(images), dtype=np.int32)
    trial.write_validation(Probabilities(rows, found.astype(np.float16)))
    last = scores(images["label"].to_numpy(), found.argmax(axis=1))
    trial.write_epochs([_epoch(number, length, last) for number in range(1, length + 1)])
    trial.write_outcome(Outcome(status="completed" if length == EPOCHS else "stopped"))


def _write_eval(
    folder: ExperimentFolder, trial: str, goodness: float, random: np.random.Generator
) -> None:
    rows = np.arange(len(folder.read_eval_images()), dtype=np.int32)
    found = _predicted(random.integers(0, CLASS_COUNT, len(rows)), goodness, random)
    folder.trial(trial).write_eval(Probabilities(rows, found.astype(np.float16)))


def _predicted(
    labels: NDArray[np.int64], goodness: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return probabilities (N, 18): noise, from which the true class stands out."""
    logits = random.standard_normal((len(labels), CLASS_COUNT), np.float32)
    logits[np.arange(len(labels)), labels] += BLUR * goodness
    logits = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits / logits.sum(axis=1, keepdims=True)


def _epoch(number: int, length: int, last: Mapping[str, float]) -> EpochRecord:
    """Return an epoch whose scores rise to those of the last one."""
    share = (1 - 0.7**number) / (1 - 0.7**length)
    return EpochRecord(
        epoch=number,
        folds=5,
        metrics={name: last[name] * share for name in METRICS},
        train_loss=2 / number,
        lr=0.001,
        seconds={"data": 0.2, "step": 9.0, "validation": 1.5, "store": 0.05},
    )


def _write_journal(folder: ExperimentFolder, lengths: Sequence[int]) -> None:
    lines = [
        f'{{"event":"reported","trial":"trial-{number + 1:03d}","step":{rung},"score":0.1,'
        f'"verdict":"{"continue" if rung < length else "pause"}"}}\n'
        for number, length in enumerate(lengths)
        for rung in RUNGS
        if rung <= length
    ]
    folder.journal.write_text("".join(lines))
