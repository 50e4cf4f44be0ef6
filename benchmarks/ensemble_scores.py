"""Is the ensemble's printed score true, and does choosing help? Searches of demo data by seed.

    python -m benchmarks.ensemble_scores --seeds 10 --folder <empty folder>

Each seed draws its own persons (training and eval), splits and networks. The eval answers of drawn
faces are known, and are only used for the figures below. A search that is already in the folder is
taken as it is.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.ensembles.built import Ask, Built, build
from analysis.ensembles.expected import expected_interval
from analysis.members import best_members, candidates
from analysis.predictions import read_eval
from analysis.results import data_folder, load_experiment
from analysis.submission import held_out_answers, images_to_answer
from trainable.demo.data_set import DemoSize, demo_root
from trainable.metrics import macro_f1
from trainable.store import LATEST, experiment_of

TOP = 3
ASKED: dict[str, Ask] = {
    "auto": Ask(TOP),
    "soft vote": Ask(TOP, methods=("soft",), rules=(False,)),
    "best trial": Ask(TOP, methods=("single",), rules=(False,)),
}


@dataclass(frozen=True)
class Outcome:
    """What was printed of one ensemble, and what it scored on the eval images."""

    method: str
    score: float
    low: float
    high: float
    held_out: float

    @property
    def is_inside(self) -> bool:
        """Whether the eval score lies in the interval that was printed for it."""
        return self.low <= self.held_out <= self.high


def main(words: Sequence[str]) -> None:
    """Print a line a seed, then the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args(words)
    found = [outcomes(searched(given.folder, seed)) for seed in range(given.seeds)]
    for seed, one in enumerate(found):
        print(f"seed {seed}: " + "; ".join(_line(name, outcome) for name, outcome in one.items()))
    for name in ASKED:
        held_out = [one[name].held_out for one in found]
        inside = sum(one[name].is_inside for one in found)
        print(
            f"{name}: eval macro-F1 {np.mean(held_out):.4f} in the mean; "
            f"inside its interval {inside} of {len(found)} times"
        )


def searched(folder: Path, seed: int) -> Path:
    """Return the runs of a search of the demo data of a seed, made unless it is there."""
    runs = folder / f"demo{seed}"
    if not (runs / LATEST).exists():
        root = demo_root(folder / "data", DemoSize(seed=seed))
        seeds = [f"{group}.seed={seed}" for group in ("search", "train", "cv")]
        where = [f"data.root={root}", f"search.runs={runs}"]
        command = [sys.executable, "-m", "orchestrator.search", "space=loss_aug"]
        subprocess.run([*command, "search.trials=20", *seeds, *where], check=True)
    return runs


def outcomes(runs: Path) -> dict[str, Outcome]:
    """Return what each kind of ensemble of an experiment printed and scored."""
    experiment = load_experiment(runs, LATEST)
    trials = candidates(experiment, best_members(experiment, TOP), final=False)
    return {name: _outcome(build(experiment.folder, trials, ask)) for name, ask in ASKED.items()}


def _outcome(built: Built) -> Outcome:
    folder = experiment_of(built.trials[0].folder)
    images = images_to_answer(folder)
    labels = held_out_answers(data_folder(folder.read_record()), images)
    assert labels is not None
    answers = built.ensemble.answers(read_eval(built.trials, images).stack)
    known, chosen = built.known, built.chosen
    low, high = expected_interval(known.labels, known.persons, chosen.answers, len(images))
    return Outcome(chosen.name, chosen.score, low, high, macro_f1(labels, answers))


def _line(name: str, found: Outcome) -> str:
    return (
        f"{name} ({found.method}) {found.score:.3f} [{found.low:.3f}, {found.high:.3f}], "
        f"eval {found.held_out:.3f}{'' if found.is_inside else ' OUTSIDE'}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
