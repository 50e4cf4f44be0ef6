"""Is a search over three machines as quick as over one with as many slots?

`python -m benchmarks.scale.nodes` searches with real, small trials, the two ways in turn.
"""

import os
import secrets
import sys
import time
from contextlib import closing, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.machines import Cluster
from orchestrator.plan import make_plan
from trainable.dataset import load_data

MACHINES = 3
WORDS = (
    *("space=learning_rate", "search.sampler=grid", "search.history=none", "scheduler=fifo"),
    *("optim.schedule=constant", "optim.weight_decay=0.01", "train.batch_size=16"),
    *("data.image_height=32", "data.image_width=32", "model.backbone=mobilenetv3_small_050"),
    *("machine.device=cpu", "machine.threads=1", "cluster.cpus_per_trial=1", "search.keep=1"),
)


def nodes(
    pairs: Annotated[int, typer.Option(min=1, help="Searches of each kind.")] = 3,
    trials: Annotated[int, typer.Option(min=1)] = 9,
    epochs: Annotated[int, typer.Option(min=1)] = 4,
) -> None:
    """Print the seconds of every search, and the ratio of each pair."""
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    rates = ",".join(f"{0.0005 * (i + 1):g}" for i in range(trials))
    words = [*WORDS, f"optim.lr={rates}", f"search.trials={trials}", f"train.epochs={epochs}"]
    load_data(make_plan(words).base.data)  # the first search alone would pay for decoding them
    ratios: list[float] = []
    for pair in range(pairs):
        shapes = ([MACHINES], [1] * MACHINES)
        seconds = {len(cores): _seconds(words, cores) for cores in shapes[:: (-1) ** pair]}
        ratios.append(seconds[MACHINES] / seconds[1])
        print(f"one machine {seconds[1]:.1f} s, three {seconds[MACHINES]:.1f} s: {ratios[-1]:.3f}")
    print(f"three machines take {median(ratios):.3f} of one's time, in the median of {pairs} pairs")


def _seconds(words: list[str], cores: list[int]) -> float:
    """Return how long a search takes on a new cluster, from its first word to its summary."""
    # Ray reads the token when it is imported.
    from orchestrator import search

    with closing(Cluster()) as cluster, TemporaryDirectory() as runs:
        for own in cores:
            cluster.add(own)
        where = [f"cluster.address={cluster.address}", f"search.runs={Path(runs) / 'runs'}"]
        started, printed = time.monotonic(), StringIO()
        with redirect_stdout(printed):
            code = search.main([*words, *where])
        if code:
            sys.exit(f"the search failed:\n{printed.getvalue()}")
        return time.monotonic() - started


if __name__ == "__main__":
    typer.run(nodes)
