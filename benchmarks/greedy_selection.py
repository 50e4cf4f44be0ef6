"""How fast is greedy selection beside the plain one, and does it take the same picks?

    python -m benchmarks.greedy_selection

200 trials answer 18,900 images with 18 classes, the size of the competition. The plain side calls
scikit-learn's metric for each candidate of each round. Both run on one core, in turns, and are
timed by the processor's clock. The plain side is slow: it picks for --plain-rounds rounds, of which
each costs the same, and its time is given for as many rounds as the other side's.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import softmax
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from analysis.ensembles.evidence import Classes, Stack
from analysis.ensembles.greedy import ROUNDS, greedy_picks
from trainable.labels import CLASS_COUNT


def main(words: Sequence[str]) -> None:
    """Print both times, their ratio, and whether the picks are the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--images", type=int, default=18_900)
    parser.add_argument("--plain-rounds", type=int, default=5)
    given = parser.parse_args(words)
    stack, labels = made_up(given.trials, given.images)
    with threadpool_limits(1):
        plain_seconds, plain = _timed(lambda: plain_picks(stack, labels, given.plain_rounds))
        seconds, fast = _timed(lambda: greedy_picks(stack, labels)[0])
        again, _ = _timed(lambda: plain_picks(stack, labels, given.plain_rounds))
    whole = (plain_seconds + again) / 2 * ROUNDS / given.plain_rounds
    same = "the same" if fast[: given.plain_rounds] == plain else "OTHER"
    print(
        f"{given.trials} trials x {given.images:,} images, {CLASS_COUNT} classes, {ROUNDS} rounds: "
        f"{seconds:.2f} s; plainly {whole:.1f} s ({whole / seconds:.1f} times), {same} picks"
    )


def made_up(trials: int, images: int) -> tuple[Stack, Classes]:
    """Return probabilities (M, N, 18), float16 as they are stored, and classes (N,)."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASS_COUNT, images)
    shared = random.normal(size=(images, CLASS_COUNT)) + 1.2 * np.eye(CLASS_COUNT)[labels]
    stack = np.empty((trials, images, CLASS_COUNT), np.float32)
    for trial in range(trials):
        own = random.normal(scale=1.5, size=shared.shape)
        stack[trial] = softmax(shared + own, axis=1).astype(np.float16)
    return stack, labels


def plain_picks(stack: Stack, labels: Classes, rounds: int) -> list[int]:
    """Return the picks of a plain implementation."""
    total = np.zeros_like(stack[0])
    picks: list[int] = []
    for _ in range(rounds):
        scores = [f1_score(labels, (total + one).argmax(axis=1), average="macro") for one in stack]
        picks.append(int(np.argmax(scores)))
        total += stack[picks[-1]]
    return picks


def _timed(work: Callable[[], list[int]]) -> tuple[float, list[int]]:
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


if __name__ == "__main__":
    main(sys.argv[1:])
