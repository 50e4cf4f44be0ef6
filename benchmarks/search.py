"""How many epochs a minute do searches train, start-up included: ours, and the guide's?"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.large import enlarged
from benchmarks.processes import Command, Ran, run
from benchmarks.samples import (
    AFTER_TRIALS,
    BEFORE_TRIALS,
    FURTHER_START,
    GUIDE,
    GUIDE_MEMORY,
    LARGE,
    LARGE_MEMORY,
    MEMORY,
    SEARCH,
    Sample,
    seconds_of,
)
from benchmarks.task import SCALE, SPACE, Task
from benchmarks.trial_times import TrialTimes, further_starts, trial_times
from trainable.cache import CACHE_VARIABLE
from trainable.store import ExperimentFolder, open_experiment

GIB = 1024**3


def measure_search(task: Task) -> list[Sample]:
    """Return the speed of our search, where its seconds go, and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        ran, experiment = run_search(task, Path(folder))
        times = [trial_times(trial) for trial in experiment.trials()]
        return [
            Sample(SEARCH, 60 * trained_epochs(experiment) / ran.seconds),
            Sample(MEMORY, ran.peak_bytes / GIB),
            *time_samples(ran, times),
        ]


def measure_large(task: Task) -> list[Sample]:
    """Return the speed and memory of our search on source images of 384 x 512."""
    larger = Task(enlarged(task.root), task.trials, task.epochs)
    with tempfile.TemporaryDirectory() as folder:
        ran, experiment = run_search(larger, Path(folder))
        return [
            Sample(LARGE, 60 * trained_epochs(experiment) / ran.seconds),
            Sample(LARGE_MEMORY, ran.peak_bytes / GIB),
        ]


def measure_guide(task: Task) -> list[Sample]:
    """Return the speed and memory of the search that is written as in Ray's guide."""
    with tempfile.TemporaryDirectory() as folder:
        words = [str(task.root), folder, str(task.trials), str(task.epochs)]
        command = Command("benchmarks.guide", words, {"RAY_USAGE_STATS_ENABLED": "0"})
        ran = run(command, Path(folder) / "log")
        epochs = sum(
            len(results.read_text().splitlines())
            for results in Path(folder).glob("guide/*/result.json")
        )
        return [
            Sample(GUIDE, 60 * epochs / ran.seconds),
            Sample(GUIDE_MEMORY, ran.peak_bytes / GIB),
        ]


def run_search(task: Task, folder: Path) -> tuple[Ran, ExperimentFolder]:
    """Run the real command with nothing cached, below ``folder``."""
    words = [
        f"space={SPACE}",
        f"scale={SCALE}",
        f"data.root='{task.root}'",
        f"search.trials={task.trials}",
        f"train.epochs={task.epochs}",
        f"search.runs='{folder}/runs'",
    ]
    environment = {CACHE_VARIABLE: f"{folder}/cache"}
    ran = run(Command("orchestrator.search", words, environment), folder / "log")
    return ran, open_experiment(folder / "runs")


def trained_epochs(experiment: ExperimentFolder) -> int:
    """Return the epochs that all trials have stored."""
    return sum(len(trial.read_epochs()) for trial in experiment.trials())


def time_samples(ran: Ran, times: Sequence[TrialTimes]) -> list[Sample]:
    """Return where a search's and its trials' seconds went."""
    kinds = [(kind, value) for trial in times for kind, value in trial.by_kind().items()]
    return [
        Sample(BEFORE_TRIALS, min(trial.started for trial in times) - ran.started),
        Sample(AFTER_TRIALS, ran.ended - max(trial.ended for trial in times)),
        *(Sample(seconds_of(kind), value) for kind, value in kinds),
        *(Sample(FURTHER_START, seconds) for seconds in further_starts(times)),
    ]
