"""How does a confirmation look on the leaderboard? A line for each trial that was trained again."""

from collections.abc import Iterator, Sequence

from analysis.confirmed import Confirmed
from analysis.output import Row
from analysis.results import Experiment
from trainable.records import ConfirmedTrial, compact


def confirmed_rows(found: Sequence[Confirmed]) -> list[Row]:
    """Return the lines for programs: means, what they are worth, and each trial against each."""
    return [
        {
            "rank": rank,
            "trial": one.trial,
            **one.metrics,
            "spread": one.spread,
            "low": one.low,
            "high": one.high,
            "unseen_score": one.unseen_score,
            "searched_score": one.chosen.score,
            "trainings": len(one.trainings),
            "probability_better": {
                f"better than {other}": difference.probability
                for other, difference in one.better.items()
            },
            "values": one.chosen.values,
        }
        for rank, one in enumerate(found, start=1)
    ]


def confirmed_lines(found: Sequence[Confirmed]) -> list[Row]:
    """Return the lines for people, in 80 columns."""
    following = [*found[1:], None]
    has_unseen = any(one.unseen_score is not None for one in found)
    return [
        {
            "#": rank,
            "trial": _short(one.trial),
            "mean\nF1": one.score,
            "spread": one.spread,
            "95 %\ninterval": f"{one.low:.3f} {one.high:.3f}",
            **({"unseen\npersons": one.unseen_score} if has_unseen else {}),
            "in the\nsearch": one.chosen.score,
            "better\nthan next": one.better[other.trial].probability if other else None,
            "trainings": len(one.trainings),
        }
        for rank, (one, other) in enumerate(zip(found, following, strict=True), start=1)
    ]


def confirmed_notes(experiment: Experiment, found: Sequence[Confirmed]) -> Iterator[str]:
    """Yield what the numbers mean, who is better than whom, and what is missing."""
    yield "mean, spread: of trainings with other seeds; interval: persons and seeds resampled."
    if any(one.unseen_score is not None for one in found):
        yield "unseen persons: the mean over those on whom the search scored no trial."
    folds = found[0].trainings[0].results.record.config.cv.folds
    yield (
        f"With {folds} folds a network is trained on {1 - 1 / folds:.0%} of the persons; where the "
        "search's had more, its scores are higher for that too."
    )
    yield ""
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            yield _against(one, other)
    for one in found:
        trainings = " ".join(training.name for training in one.trainings)
        yield f"{_short(one.trial)}: {trainings}: {compact(one.chosen.values)}"
    complete = {one.trial for one in found}
    for chosen in experiment.folder.read_record().confirms:
        if chosen.trial not in complete:
            yield _missing(chosen)


def _against(one: Confirmed, other: Confirmed) -> str:
    found = one.better[other.trial]
    return (
        f"{_short(one.trial)} is really better than {_short(other.trial)} with probability "
        f"{found.probability:.2f}: by {found.value:.3f}, 95 % {found.low:+.3f} to {found.high:+.3f}"
    )


def _missing(chosen: ConfirmedTrial) -> str:
    return f"{_short(chosen.trial)}: no training of it is complete"


def _short(trial: str) -> str:
    return trial.rpartition("/")[2]
