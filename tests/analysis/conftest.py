"""A small stored experiment: 12 persons x 7 images, four trials, ten eval images with answers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from analysis import ensemble, leaderboard
from trainable.arrays import Probabilities
from trainable.config import TrialConfig
from trainable.metric_names import METRICS
from trainable.metrics import scores
from trainable.records import (
    ConfirmedTrial,
    EpochRecord,
    ExperimentRecord,
    MachineRecord,
    Outcome,
    Status,
    TrialRecord,
)
from trainable.store import ExperimentFolder, create_experiment, now
from trainable.trial_folder import TrialFolder

Command = Callable[..., Result]

PERSONS, IMAGES_EACH, EVAL_IMAGES = 12, 7, 10
TRIALS: dict[str, tuple[Status, list[float]]] = {
    "broken": ("failed", [0.9]),
    "early": ("stopped", [0.4]),
    "peaked": ("completed", [0.6, 0.2]),
    "steady": ("completed", [0.3, 0.5]),
}
"""Trial -> how it ended and the macro-F1 of its epochs: best first, peaked, steady and early."""
CONFIRMED = {"peaked": (0.6, 0.002, 0.1), "steady": (0.5, 0.001, 0.3)}
"""Trial -> the score it was chosen by, its learning rate, and how sure its trainings are."""
SEEDS = (1, 2, 3)


@pytest.fixture
def experiment(tmp_path: Path) -> ExperimentFolder:
    folder = create_experiment(tmp_path / "runs", "faces")
    folder.write_record(_experiment_record(tmp_path / "data"))
    folder.become_latest()
    images, eval_images = _images(), _eval_images()
    folder.write_images(images, eval_images)
    _write_answers(tmp_path / "data", eval_images)
    for seed, (name, (status, found)) in enumerate(TRIALS.items()):
        write_trial(folder.trial(name), status, found)
        _write_predictions(folder.trial(name), images["label"].to_numpy(), seed)
    return folder


@pytest.fixture
def confirmation(experiment: ExperimentFolder) -> ExperimentFolder:
    """Two trials of ``experiment``, trained again: three times, and twice where one was stopped.

    The search scored them on the first four persons alone.
    """
    folder = create_experiment(experiment.path.parent, "faces-confirmed")
    images = experiment.read_images()
    folder.write_images(images, experiment.read_eval_images())
    record = experiment.read_record()
    chosen = [
        ConfirmedTrial(trial=f"faces/{name}", score=score, values={"optim.lr": lr})
        for name, (score, lr, _) in CONFIRMED.items()
    ]
    changed = {"experiment": folder.name, "confirms": chosen, "command": "orchestrator.confirm"}
    folder.write_record(record.model_copy(update=changed))
    labels = images["label"].to_numpy()
    for name, (_, lr, right) in CONFIRMED.items():
        _cut_to(experiment.trial(name), range(4 * IMAGES_EACH))
        for seed in SEEDS:
            _write_training(folder.trial(f"{name}-{seed}"), {"optim.lr": lr, "train.seed": seed})
            found = _probabilities(labels, seed + int(1000 * lr), right)
            _write_scored(folder.trial(f"{name}-{seed}"), labels, found)
    cut_short = folder.trial("steady-3")
    cut_short.write_outcome(Outcome(status="stopped", reason="the time was over"))
    return folder


@pytest.fixture
def answers_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "eval" / "answers.csv"


@pytest.fixture
def run_leaderboard(experiment: ExperimentFolder) -> Command:
    return _command(leaderboard.app, experiment)


@pytest.fixture
def run_ensemble(experiment: ExperimentFolder) -> Command:
    return _command(ensemble.app, experiment)


@pytest.fixture
def add_trial(experiment: ExperimentFolder) -> Callable[[str, Status, Sequence[float]], None]:
    return lambda name, status, scores: write_trial(experiment.trial(name), status, scores)


def write_trial(folder: TrialFolder, status: Status, scores: Sequence[float]) -> None:
    machine = MachineRecord(
        host="here",
        process=1,
        device="cpu",
        precision="float32",
        threads=1,
        torch="2",
        processor="x",
    )
    folder.write_record(
        TrialRecord(
            trial=folder.name,
            config=TrialConfig(),
            values={"optim.lr": 0.00123, "loss.name": "focal"},
            machine=machine,
            identity="same",
            setup_seconds=1.0,
            started=now(),
        )
    )
    folder.write_epochs([_epoch(i, score) for i, score in enumerate(scores, start=1)])
    reason = "the loss became infinite" if status == "failed" else ""
    folder.write_outcome(Outcome(status=status, reason=reason))


def _command(app: object, experiment: ExperimentFolder) -> Command:
    where = ["--runs", str(experiment.path.parent)]
    environment = {"COLUMNS": "100"}
    return lambda *words: CliRunner().invoke(app, [*where, *words], env=environment)


def _experiment_record(data_root: Path) -> ExperimentRecord:
    return ExperimentRecord(
        experiment="faces",
        question="which loss?",
        command="orchestrator.search",
        words=["space=loss_aug"],
        settings={},
        space={},
        data_root=str(data_root),
        data_fingerprint="f",
        skipped_images=[],
        versions={},
        started=[now()],
    )


def _epoch(number: int, score: float) -> EpochRecord:
    metrics = dict.fromkeys(METRICS, score)
    return EpochRecord(
        epoch=number, metrics=metrics, train_loss=1.0, lr=0.1, seconds={"data": 1.0, "step": 2.0}
    )


def _images() -> pd.DataFrame:
    persons = [f"{i:06d}_male_asian_30" for i in range(PERSONS) for _ in range(IMAGES_EACH)]
    labels = [(i // IMAGES_EACH + i) % 18 for i in range(len(persons))]
    names = [f"{person}/{i % IMAGES_EACH}.jpg" for i, person in enumerate(persons)]
    return pd.DataFrame({"image": names, "person": persons, "label": labels, "age": 30})


def _eval_images() -> pd.DataFrame:
    names = [f"{(7 * i) % EVAL_IMAGES:03d}.jpg" for i in range(EVAL_IMAGES)]
    return pd.DataFrame({"ImageID": names, "image": [f"eval/images/{name}" for name in names]})


def _write_answers(data_root: Path, eval_images: pd.DataFrame) -> None:
    (data_root / "eval").mkdir(parents=True)
    answers = eval_images[["ImageID"]].assign(ans=np.arange(EVAL_IMAGES))
    answers.sort_values("ImageID").to_csv(data_root / "eval" / "answers.csv", index=False)


def _write_predictions(folder: TrialFolder, labels: np.ndarray, seed: int) -> None:
    folder.write_validation(_probabilities(labels, seed))
    folder.write_eval(_probabilities(np.arange(EVAL_IMAGES), seed + 100))


def _write_training(folder: TrialFolder, values: dict[str, float]) -> None:
    write_trial(folder, "completed", [])
    record = folder.read().record
    config = record.config.with_values(values)
    folder.write_record(record.model_copy(update={"config": config, "values": values}))


def _write_scored(folder: TrialFolder, labels: np.ndarray, found: Probabilities) -> None:
    """Keep predictions, and an epoch with their metrics."""
    folder.write_validation(found)
    metrics = scores(labels[found.rows], found.values.argmax(axis=1))
    folder.write_epochs([_epoch(1, 0.0).model_copy(update={"metrics": metrics})])


def _cut_to(folder: TrialFolder, rows: range) -> None:
    stored = folder.read_validation()
    kept = np.isin(stored.rows, rows)
    folder.write_validation(Probabilities(stored.rows[kept], stored.values[kept]))


def _probabilities(labels: np.ndarray, seed: int, right: float = 0.1) -> Probabilities:
    """Return guesses that are right more often than by chance, their rows shuffled."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(labels)).astype(np.int32)
    values = random.dirichlet(np.ones(18), len(labels))
    values[np.arange(len(labels)), labels[rows]] += right
    values /= values.sum(axis=1, keepdims=True)
    return Probabilities(rows, values.astype(np.float16))
