"""How well are other shares estimated, and what does a rule for them gain? On stored trials.

    python -m benchmarks.prior_shift --runs runs

The out-of-fold answers of the three best trials' log pool are drawn anew by person: half of the
persons so that 39 % are male, as in the competition's training set, the other half so that 60 %
are, as teams saw in its eval set. Shares are estimated from the second half without its labels.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.ensembles.built import Ask, build
from analysis.ensembles.decision import decide, fitted_rule
from analysis.members import best_members
from analysis.results import load_experiment
from analysis.shift.check import Known, drawn
from analysis.shift.correction import fitted_share_model
from trainable.metrics import macro_f1
from trainable.store import LATEST

TOP, DRAWS = 3, 40
HERE, THERE = np.array([0.39, 0.61]), np.array([0.60, 0.40])
"""Shares of male and female."""


def main(words: Sequence[str]) -> None:
    """Print the estimates and the scores with and without the corrected rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    known = _nested(parser.parse_args(words).runs)
    random = np.random.default_rng(0)
    found = np.array([_draw(known, random) for _ in range(DRAWS)])
    share, usual, corrected = found.mean(axis=0)
    gains = found[:, 2] - found[:, 1]
    print(f"male share of {THERE[0]:.0%}: estimated {share:.1%}, +- {found[:, 0].std():.1%} a draw")
    print(
        f"macro-F1 {usual:.4f} with the rule as it is, {corrected:.4f} with the corrected one: "
        f"{gains.mean():+.4f} +- {gains.std() / DRAWS**0.5:.4f} (standard error)"
    )


def _nested(runs: Path) -> Known:
    """Return out-of-fold probabilities by a pool that was not fitted to the persons."""
    experiment = load_experiment(runs, LATEST)
    ask = Ask(TOP, methods=("log",), rules=(False,))
    built = build(experiment.folder, best_members(experiment, TOP), ask)
    evidence = built.known
    codes = np.unique(evidence.persons, return_inverse=True)[1]
    return Known(built.joint, evidence.labels, codes)


def _draw(known: Known, random: np.random.Generator) -> tuple[float, float, float]:
    people = int(known.codes.max()) + 1
    first = np.isin(known.codes, random.permutation(people)[: people // 2])
    here = drawn(known.of(first), "gender", HERE, random)
    there = drawn(known.of(~first), "gender", THERE, random)
    model = fitted_share_model(here.joint, here.labels)
    shares = model.estimate(there.joint)["gender"]
    rules = (fitted_rule(here.joint, here.labels), model.rule_for({"gender": shares}))
    usual, corrected = (macro_f1(there.labels, decide(there.joint, rule)) for rule in rules)
    return float(shares[0]), usual, corrected


if __name__ == "__main__":
    main(sys.argv[1:])
