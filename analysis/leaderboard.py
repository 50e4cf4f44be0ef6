"""Which trials are best? Every trial of an experiment, ranked by its best epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from analysis.commands import RUNS, ExperimentOption, RunsOption, new_app, user_errors
from analysis.output import FormatOption, Row, show_data, show_table
from analysis.results import Experiment, Trial, load_experiment
from trainable.metrics import METRIC_HEADINGS
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

    Where they were scored over different numbers of folds, those over more come first.
    """
    found = load_experiment(runs, experiment)
    places = leaderboard_places(found)
    if form == "table":
        title = f"{found.folder.name}: {found.folder.read_record().question}"
        notes = [f"{place.trial}: {place.reason or compact(place.values)}" for place in places]
        differ = len({place.folds for place in places if place.folds}) > 1
        show_table(title, [place.line(folds=differ) for place in places], ["", *notes])
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
            **({"folds": self.folds} if folds else {}),
            "best\n/all": f"{self.best_epoch or '-'}/{self.epochs}",
            "status": self.status,
            "sec.": round(self.seconds),
        }


def leaderboard_places(experiment: Experiment) -> list[Place]:
    """Return a line for each trial: ranked ones first, then unscored, failed and damaged ones."""
    places = [_place(rank, trial) for rank, trial in enumerate(experiment.trials, start=1)]
    places += [Place(trial.name, "damaged", trial.reason) for trial in experiment.damaged]
    if not places:
        raise UserError(f"no trial of {experiment.folder.name} has started yet")
    return places


def _place(rank: int, trial: Trial) -> Place:
    best, results = trial.best, trial.results
    return Place(
        trial=trial.name,
        status=results.outcome.status,
        reason=results.outcome.reason,
        rank=rank if best and not trial.has_failed else None,
        metrics=best.metrics if best else {},
        folds=trial.folds or None,
        best_epoch=results.best_length,
        epochs=len(results.epochs),
        seconds=round(sum(epoch.epoch_seconds for epoch in results.epochs), 1),
        values=results.record.values,
    )


if __name__ == "__main__":
    app()
