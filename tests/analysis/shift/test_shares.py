"""EM finds the shares of other persons from exact probabilities, within 3 points."""

import numpy as np
import pytest
from made_up import SHARES, seen

from analysis.shift.shares import estimated_shares


def images_of(share: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
    """Return probabilities, exact under ``known`` shares, of images drawn to other ones."""
    random = np.random.default_rng(seed)
    return seen(random.choice(len(share), 3000, p=share), known, 1.5, random)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("task", "there"),
    [
        ("gender", [0.6, 0.4]),
        ("gender", [0.1, 0.9]),
        ("age", [0.2, 0.3, 0.5]),
        ("age", [0.9, 0.05, 0.05]),
    ],
)
def test_other_shares_are_found(task, there, seed):
    known = SHARES[task]
    found = estimated_shares(images_of(np.array(there), known, seed), known)
    assert found == pytest.approx(there, abs=0.03)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("task", ["gender", "age"])
def test_shares_that_did_not_shift_are_the_known_ones(task):
    known = SHARES[task]
    assert estimated_shares(images_of(known, known, 7), known) == pytest.approx(known, abs=0.03)


def test_certain_probabilities_are_counted():
    found = estimated_shares(np.eye(3)[[0, 0, 0, 1]], np.array([0.2, 0.4, 0.4]))
    assert found == pytest.approx([0.75, 0.25, 0])


def test_images_that_say_nothing_leave_the_known_shares():
    known = np.array([0.7, 0.3])
    assert estimated_shares(np.tile(known, (50, 1)), known) == pytest.approx(known)


def test_estimate_is_as_likely_as_any_other_share():
    """The likelihood of a share p of the first class, on a grid (Saerens et al. 2002, eq. 2)."""
    known = SHARES["gender"]
    probabilities = images_of(np.array([0.7, 0.3]), known, 1)
    grid = np.linspace(0.01, 0.99, 99)
    ratios = np.stack([grid, 1 - grid]) / known[:, np.newaxis]
    best = grid[np.log(probabilities @ ratios).sum(axis=0).argmax()]
    assert estimated_shares(probabilities, known)[0] == pytest.approx(best, abs=0.006)
