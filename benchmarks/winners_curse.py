"""How much of the winner's curse do shrunken scores take away? Choose here, look elsewhere.

    python -m benchmarks.winners_curse <runs>/<experiment> ...

Three lots, of stored searches. *held out*: the best trial's raw score, its score shrunk by James
and Stein's rule and as the leaderboard does, against its score on eval images whose answers are
known (those of the demo data are). *halves*: the same for the best trial of one half of the
persons, against the other half. *made up*: the answers of the first search's best trials, mixed and
partly replaced by right or by random ones, make trials that are alike, or some that learnt nothing;
the best on some persons is compared with itself on the others. In the last two, what all trials
gain or lose by the persons is no error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from analysis.answers import read_answers
from analysis.predictions import read_eval
from analysis.results import data_folder, load_experiment
from analysis.shrinkage import RESAMPLES, own_variances, shrunken_scores, shrunken_trials
from analysis.submission import held_out_answers, images_to_answer
from trainable.metrics import macro_f1
from trainable.resampling import Scores, resampled_scores

CLASSES = 18
OWN = 0.35
"""Share of a made-up trial's answers that come from another than the best."""
CASES: Mapping[str, tuple[int, float, float, int]] = {
    "24 alike": (24, 0.01, 0.0, 140),
    "24 that differ": (24, 0.08, 0.0, 140),
    "24, 2 in 5 learnt nothing": (24, 0.01, 0.4, 140),
    "100, 3 in 10 learnt nothing": (100, 0.02, 0.3, 140),
    "12 on 50 persons": (12, 0.02, 0.2, 50),
    "24 on 350 persons": (24, 0.02, 0.3, 350),
}
"""Trials, the deviation of their shares of right or random answers, the share of trials that learnt
nothing, and persons to choose on."""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Answered:
    """Answers (M, N) of M trials, and the true classes and persons (N,) of the images."""

    labels: NDArray[np.integer]
    persons: NDArray[np.integer]
    answers: NDArray[np.integer]


@app.command()
def winners_curse(
    experiments: Annotated[list[Path], typer.Argument(help="Stored searches.")],
    repeats: Annotated[int, typer.Option(help="Draws of persons, each.")] = 100,
) -> None:
    """Print how far the best score and its two shrunken ones are from the truth."""
    table = Table("best of", "raw", "James-Stein", "shrunken", box=SIMPLE_HEAD)
    random = np.random.default_rng(0)
    stored = [read(path) for path in experiments]
    known = [error for path in experiments if (error := held_out_miss(path))]
    if known:
        add_line(table, f"{len(known)} searches, held out", known)
    for path, found in zip(experiments, stored, strict=True):
        half = len(np.unique(found.persons)) // 2
        add_line(
            table,
            f"{path.parent.name}/{path.name[:15]}, halves",
            [miss(found, half, random) for _ in range(repeats)],
        )
    for name, (trials, apart, lost, persons) in CASES.items():
        if persons < len(np.unique(stored[0].persons)):
            lots = (made_up(stored[0], trials, apart, lost, random) for _ in range(repeats))
            add_line(table, name, [miss(lot, persons, random) for lot in lots])
    console = Console()
    console.print(table)
    console.print("mean error (root mean square error) of the best trial's score")


def read(path: Path) -> Answered:
    """Return the answers of an experiment's finished trials, the best first."""
    experiment = load_experiment(path.parent, path.name)
    images = experiment.folder.read_images()
    found = [read_answers(trial, images) for trial in experiment.finished]
    alike = [one for one in found if one.key == found[0].key]
    judged = images.loc[found[0].rows]
    persons = np.unique(judged["person"], return_inverse=True)[1]
    answers = np.stack([one.classes for one in alike])
    return Answered(judged["label"].to_numpy(), persons, answers)


def held_out_miss(path: Path) -> list[float]:
    """Return how far raw, James-Stein and shrunken are from held out, nothing if not known."""
    experiment = load_experiment(path.parent, path.name)
    images = images_to_answer(experiment.folder)
    labels = held_out_answers(data_folder(experiment.folder.read_record()), images)
    best = experiment.finished[0]
    if labels is None or not best.folder.has_eval():
        return []
    shrunken = list(shrunken_trials(experiment).values())
    scores = np.array([one.score for one in shrunken])
    by_rule = james_stein(scores, np.array([one.noise**2 for one in shrunken]))
    true = macro_f1(labels, read_eval([best], images).stack[0].argmax(axis=1))
    place = scores.argmax()
    return [
        float(found - true) for found in (scores[place], by_rule[place], shrunken[place].estimate)
    ]


def made_up(
    stored: Answered, trials: int, apart: float, lost: float, random: np.random.Generator
) -> Answered:
    """Return trials whose answers are the best one's, with chance and differences of their own."""
    images = len(stored.labels)
    answers: list[NDArray[np.integer]] = []
    for _ in range(trials):
        better = random.normal(0, apart) - (random.random() < lost) * random.uniform(0.1, 0.5)
        other = stored.answers[random.integers(1, 4)]
        own = np.where(random.random(images) < OWN, other, stored.answers[0])
        instead = stored.labels if better > 0 else random.integers(0, CLASSES, images)
        answers.append(np.where(random.random(images) < abs(better), instead, own))
    return Answered(stored.labels, stored.persons, np.stack(answers))


def miss(found: Answered, persons: int, random: np.random.Generator) -> list[float]:
    """Choose on so many persons; return how far raw, James-Stein and shrunken are from the others'.

    What all trials score more or less on the others, in the mean, is no error.
    """
    drawn = random.permutation(int(found.persons.max()) + 1)[:persons]
    here = np.isin(found.persons, drawn)
    chosen_by, true = (
        np.array([macro_f1(found.labels[rows], own[rows]) for own in found.answers])
        for rows in (here, ~here)
    )
    lot = found.labels[here], found.persons[here], list(found.answers[:, here])
    variances = own_variances(resampled_scores(*lot, resamples=RESAMPLES))
    best, level = chosen_by.argmax(), (true - chosen_by).mean()
    estimates = (
        chosen_by,
        james_stein(chosen_by, variances),
        shrunken_scores(chosen_by, variances),
    )
    return [float(scores[best] + level - true[best]) for scores in estimates]


def james_stein(scores: Scores, variances: Scores) -> Scores:
    """Return scores drawn to their mean (Efron & Morris 1975, with the mean variance)."""
    away = scores - scores.mean()
    kept = 1 - max(len(scores) - 3, 0) * variances.mean() / (away**2).sum()
    return scores.mean() + max(kept, 0) * away


def add_line(table: Table, name: str, errors: Sequence[Sequence[float]]) -> None:
    """Add the mean and the root mean square of each column of errors."""
    table.add_row(name, *_cells(np.array(errors)))


def _cells(errors: NDArray[np.float64]) -> Iterator[str]:
    for column in errors.T:
        yield f"{column.mean():+.4f} ({np.sqrt((column**2).mean()):.4f})"


if __name__ == "__main__":
    app()
