"""What was learned before? Earlier experiments on other tasks, simulated: random search on each."""

from collections.abc import Sequence

import numpy as np

from benchmarks.schedulers.curves import Task, random_configurations
from orchestrator.portfolio import Past, Tried

EARLIER_TRIALS = 40


def earlier_experiment(task: Task, seed: int, count: int = EARLIER_TRIALS) -> Past:
    """Return what random search left on a task, every trial trained fully.

    The seed must be no other search's.
    """
    configurations = random_configurations(task.space, count, np.random.default_rng(seed))
    trials = [
        Tried(f"trial-{number:03d}", values, curve.best)
        for number, (values, curve) in enumerate(
            zip(configurations, task.curves(configurations), strict=True), start=1
        )
    ]
    return Past(task.name, trials)


def of_other_tasks(pasts: Sequence[Past], task: Task) -> list[Past]:
    """Return the experiments but for those on this very task."""
    return [past for past in pasts if past.name != task.name]
