"""Which trials are best? Every trial of an experiment, ranked by its best epoch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.commands import RUNS, ExperimentOption, RunsOption, new_app, tell, user_errors
from analysis.confirmed import confirmations_of, confirmed_trials
from analysis.confirmed_table import confirmed_lines, confirmed_notes, confirmed_rows
from analysis.output import FormatOption, Row, show_data, show_table
from analysis.results import Experiment, Trial, load_experiment
from analysis.shrinkage import Shrunken, shrunken_trials
from trainable.metric_names import METRIC_HEADINGS
from trainable.records import compact
from trainable.settings import UserError, Value
from trainable.store import LATEST

app = new_app()


@app.command()
@user_errors()
def leaderboard(
    runs: RunsOption = RUNS,
    experiment: ExperimentOption = LATEST,
    form: FormatOption = "table",
) -> None:
    """Rank the trials of an experiment by the out-of-fold macro-F1 of their best epoch.

    Where they were scored over different numbers of folds, those over more come first. Of a
    confirmation, rank the trials that were trained again by the mean over their trainings.
    """
    found = load_experiment(runs, experiment)
    title = f"{found.folder.name}: {found.folder.read_record().question}"
    if confirmed := confirmed_trials(found):
        if form == "table":
            notes = confirmed_notes(found, confirmed)
            show_table(title, confirmed_lines(confirmed), ["", *notes])
        else:
            show_data(form, confirmed_rows(confirmed))
        return
    places = leaderboard_places(found)
    if form == "table":
        differ = len({place.folds for place in places if place.folds}) > 1
        lines = [place.line(folds=differ) for place in places]
        show_table(title, lines, ["", *_notes(found, places)])
    else:
        show_data(form, [place.data() for place in places])


@dataclass(frozen=True)
class Place:
    """One trial's line on the leaderboard; ``rank`` is None where there is no score to rank by."""

    trial: str
    status: str
    reason: str
    rank: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    shrunken: Shrunken | None = None
    folds: int | None = None
    best_epoch: int | None = None
    epochs: int = 0
    seconds: float = 0.0
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])

    def data(self) -> Row:
        """Return the line for programs: metrics as columns, values nested."""
        return {
            "rank": self.rank,
            "trial": self.trial,
            **{name: self.metrics.get(name) for name in METRIC_HEADINGS},
            "shrunken": self.shrunken and self.shrunken.estimate,
            "folds": self.folds,
            "best_epoch": self.best_epoch,
            "epochs": self.epochs,
            "status": self.status,
            "seconds": self.seconds,
            "reason": self.reason,
            "values": self.values,
        }

    def line(self, *, folds: bool) -> Row:
        """Return the line for people: the metrics, epochs in one column, no settings.

        ``folds`` says whether to show over how many the metrics are.
        """
        return {
            "#": self.rank,
            "trial": self.trial,
            **{heading: self.metrics.get(name) for name, heading in METRIC_HEADINGS.items()},
            "shrunk\nscore": self.shrunken and self.shrunken.estimate,
            **({"folds": self.folds} if folds else {}),
            "best\n/all": f"{self.best_epoch or '-'}/{self.epochs}",
            "status": self.status,
            "sec.": round(self.seconds),
        }


def leaderboard_places(
    experiment: Experiment, shrunken: Mapping[str, Shrunken] | None = None
) -> list[Place]:
    """Return a line for each trial: ranked ones first, then unscored, failed and damaged ones.

    ``shrunken`` scores by trial are found out where they are not given.
    """
    shrunken = _shrunken(experiment) if shrunken is None else shrunken
    places = [
        _place(rank, trial, shrunken.get(trial.name))
        for rank, trial in enumerate(experiment.trials, start=1)
    ]
    places += [Place(trial.name, "damaged", trial.reason) for trial in experiment.damaged]
    if not places:
        raise UserError(f"no trial of {experiment.folder.name} has started yet")
    return places


def _shrunken(experiment: Experiment) -> Mapping[str, Shrunken]:
    try:
        return shrunken_trials(experiment)
    except UserError as error:
        tell(f"note: scores are not shrunk: {error}")
        return {}


def _notes(experiment: Experiment, places: Sequence[Place]) -> Iterator[str]:
    best = places[0]
    if best.shrunken and best.shrunken.among > 1:
        yield (
            f"{best.trial} is the best of {best.shrunken.among}, partly by luck: on other persons "
            f"expect hardly more than {best.shrunken.estimate:.3f}."
        )
    for name in confirmations_of(experiment.folder):
        yield f"{name} has trained the leaders again: --experiment {name} shows what came out."
    yield ""
    for place in places:
        yield f"{place.trial}: {place.reason or compact(place.values)}"


def _place(rank: int, trial: Trial, shrunken: Shrunken | None) -> Place:
    best, results = trial.best, trial.results
    return Place(
        trial=trial.name,
        status=results.outcome.status,
        reason=results.outcome.reason,
        rank=rank if best and not trial.has_failed else None,
        metrics=best.metrics if best else {},
        shrunken=shrunken,
        folds=trial.folds or None,
        best_epoch=results.best_length,
        epochs=len(results.epochs),
        seconds=round(sum(epoch.epoch_seconds for epoch in results.epochs), 1),
        values=results.record.values,
    )


if __name__ == "__main__":
    app()
