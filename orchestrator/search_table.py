"""What does a search look like in words? Its table, its header and its lines."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from orchestrator.progress import SearchProgress, TrialProgress, best_score
from trainable.records import EpochRecord, compact
from trainable.settings import printable

COLOURS: Mapping[str, str] = {
    "running": "cyan",
    "paused": "yellow",
    "completed": "green",
    "failed": "red",
}


class SearchTable:
    """A header and a row a trial, no higher than the terminal it is printed to."""

    def __init__(self, progress: SearchProgress, now: float) -> None:
        self._progress = progress
        self._now = now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        header = Text("\n").join(_header(self._progress, self._now))
        yield header
        # One line for the column names; one is left free, or a full terminal scrolls.
        room = options.max_height - len(header.wrap(console, options.max_width)) - 2
        yield _table(shown_trials(self._progress, max(room, 0)))


def shown_trials(progress: SearchProgress, room: int) -> list[TrialProgress]:
    """Return up to ``room`` trials: those running, then the best of the others.

    A third of the rows is kept for the others, however many trials run.
    """
    trials = progress.trials.values()
    running = [trial for trial in trials if trial.status == "running"]
    others = [trial for trial in trials if trial.status != "running"]
    others.sort(key=best_score, reverse=True)
    for_running = max(room - len(others), room - room // 3)
    return [*running[:for_running], *others][:room]


def progress_line(progress: SearchProgress, now: float) -> str:
    """Return the header in one line: times, counts, best score."""
    best = progress.best
    score = f"best {_score(best.best)} by {best.trial}" if best else "no score yet"
    return f"{_times(progress, now)}; {_counts(progress)}; {score}"


def trial_line(trial: TrialProgress) -> str:
    """Return how a trial stands: its reason where it failed, else its settings."""
    about = first_line(trial.reason) if trial.status == "failed" else compact(trial.values)
    if trial.reason and trial.status != "failed":
        about = f"{trial.reason}; {about}"
    epochs = f"{trial.epoch}/{trial.epochs} epochs"
    return f"{trial.trial} {trial.status}, {epochs}, best {_score(trial.best)}: {about}"


def first_line(reason: str) -> str:
    """Return the first line of a failure's reason."""
    return next(iter(reason.strip().splitlines()), "")


def _header(progress: SearchProgress, now: float) -> Iterable[Text]:
    yield Text(f"{progress.goal.experiment}: {_times(progress, now)}", style="bold")
    yield Text(_counts(progress))
    if progress.best:
        yield Text(printable(_best(progress.best)), style="green")
    failed = [trial for trial in progress.trials.values() if trial.status == "failed"]
    if failed:
        yield Text(printable(trial_line(failed[-1])), style="red")


def _times(progress: SearchProgress, now: float) -> str:
    left = progress.seconds_left(now)
    deadline = progress.goal.deadline
    times = [
        f"{_duration(progress.elapsed(now))} elapsed",
        "time left unknown" if left is None else f"all ready in about {_duration(left)}",
        "" if deadline is None else f"deadline in {_duration(deadline - now)}",
        f"{progress.epochs_per_minute(now):.1f} epochs/min",
    ]
    return ", ".join(filter(None, times))


def _counts(progress: SearchProgress) -> str:
    counts = [f"{count} {state}" for state, count in progress.counts.items() if count]
    asked = f" of {progress.goal.trials} trials" if progress.goal.trials else ""
    return (", ".join(counts) or "0 started") + asked


def _best(trial: TrialProgress) -> str:
    assert trial.best
    best = trial.best
    score = f"{best.score_name} {best.score:.4f} by {trial.trial} in epoch {best.epoch}"
    return f"best: {score}, {compact(trial.values)}"


def _table(trials: Iterable[TrialProgress]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, header_style="bold")
    for name in ("trial", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("epoch", "last", "best"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("settings", no_wrap=True, overflow="ellipsis", ratio=1)
    for trial in trials:
        table.add_row(*_row(trial))
    return table


def _row(trial: TrialProgress) -> list[Text]:
    failed = trial.status == "failed"
    return [
        Text(printable(trial.trial)),
        Text(trial.status, style=COLOURS.get(trial.status, "")),
        Text(f"{trial.epoch}/{trial.epochs}"),
        Text(_score(trial.last)),
        Text(_score(trial.best)),
        Text(printable(first_line(trial.reason) if failed else compact(trial.values))),
    ]


def _score(epoch: EpochRecord | None) -> str:
    return f"{epoch.score:.4f}" if epoch else "-"


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=max(0, round(seconds))))
