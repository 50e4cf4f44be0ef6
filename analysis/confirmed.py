"""What are trials worth that were trained again? Means over seeds, and who is really better.

What is new in a confirmation: the seeds, the split into folds, and so every network. What is not:
the persons. Those that the search scored its trials on took part in choosing these; the others did
not, so scores over them alone are free of that choice. Each training counts by its best epoch, as
in the search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.answers import Answers, read_answers, resampled_answers
from analysis.results import Experiment, Trial
from trainable.comparison import Difference, difference_of, interval
from trainable.metric_names import main_score
from trainable.metrics import scores
from trainable.records import SEED, ConfirmedTrial
from trainable.resampling import Scores, mean_over_seeds
from trainable.settings import UserError
from trainable.storage_errors import UnreadableFileError
from trainable.store import ExperimentFolder, all_experiments
from trainable.trial_folder import TrialFolder


@dataclass(frozen=True)
class Confirmed:
    """A chosen trial, and what its trainings with other seeds gave.

    ``metrics`` and ``score`` are means over the trainings, ``spread`` is the standard deviation of
    their scores, None of one. The mean score of new trainings on new persons lies from ``low`` to
    ``high`` with 95 % confidence. ``unseen_score`` is the score over the persons by whom nothing
    was chosen, None where there are none. ``better`` says by how much this trial is better than
    each other one, and how probably.
    """

    chosen: ConfirmedTrial
    trainings: Sequence[Trial]
    metrics: Mapping[str, float]
    spread: float | None
    low: float
    high: float
    unseen_score: float | None
    better: Mapping[str, Difference]

    @property
    def trial(self) -> str:
        """<experiment>/<trial> that was chosen."""
        return self.chosen.trial

    @property
    def score(self) -> float:
        """The mean score of the trainings."""
        return main_score(self.metrics)


def confirmed_trials(experiment: Experiment) -> list[Confirmed]:
    """Return the chosen trials of which a training is complete, the best mean first.

    Raises UserError where trainings were scored on different images, or cannot be read.
    """
    images = experiment.folder.read_images()
    chosen = experiment.folder.read_record().confirms
    trained = _trained(experiment, [(one, trainings_of(one, experiment)) for one in chosen], images)
    unseen = _unseen_images(experiment.folder, chosen, images)
    found = [_confirmed(one, trained, unseen) for one in trained]
    return sorted(found, key=lambda one: -one.score)


def trainings_of(chosen: ConfirmedTrial, experiment: Experiment) -> list[Trial]:
    """Return the complete trainings of a chosen trial, by seed."""
    found = [
        trial
        for trial in experiment.finished
        if trial.results.outcome.status == "completed" and _without_seed(trial) == chosen.values
    ]
    return sorted(found, key=lambda trial: trial.results.record.config.train.seed)


def confirmations_of(folder: ExperimentFolder) -> list[str]:
    """Return the names of the experiments that confirm trials of this one."""
    return [
        other.name
        for other in all_experiments(folder.path.parent)
        if any(chosen.trial.startswith(f"{folder.name}/") for chosen in _confirms(other))
    ]


@dataclass(frozen=True)
class _Trained:
    chosen: ConfirmedTrial
    trainings: Sequence[Trial]
    answers: Sequence[Answers]
    resampled: Scores
    """Means (R,) over drawn trainings on drawn persons, the same persons as of other trials."""


def _trained(
    experiment: Experiment,
    trainings: Sequence[tuple[ConfirmedTrial, Sequence[Trial]]],
    images: pd.DataFrame,
) -> list[_Trained]:
    complete = [(chosen, trials) for chosen, trials in trainings if trials]
    answers = [[read_answers(trial, images) for trial in trials] for _, trials in complete]
    every = [one for own in answers for one in own]
    if len({one.key for one in every}) > 1:
        raise UserError(
            f"the trainings of {experiment.folder.name} were scored on different images, and do "
            "not compare: confirm these trials again"
        )
    if not every:
        return []
    ends = np.cumsum([len(own) for own in answers])[:-1]
    parts = np.split(resampled_answers(every, images), ends, axis=1)
    random = np.random.default_rng(0)
    return [
        _Trained(chosen, trials, own, mean_over_seeds(part, random))
        for (chosen, trials), own, part in zip(complete, answers, parts, strict=True)
    ]


def _confirmed(own: _Trained, trained: Sequence[_Trained], unseen: pd.DataFrame) -> Confirmed:
    metrics = _mean_metrics(own.trainings)
    found = [training.best.score for training in own.trainings if training.best]
    low, high = interval(own.resampled)
    return Confirmed(
        chosen=own.chosen,
        trainings=own.trainings,
        metrics=metrics,
        spread=float(np.std(found, ddof=1)) if len(found) > 1 else None,
        low=low,
        high=high,
        unseen_score=_mean_score(own.answers, unseen) if len(unseen) else None,
        better={one.chosen.trial: _better(own, one) for one in trained if one is not own},
    )


def _better(own: _Trained, other: _Trained) -> Difference:
    value = main_score(_mean_metrics(own.trainings)) - main_score(_mean_metrics(other.trainings))
    return difference_of(value, own.resampled, other.resampled)


def _mean_metrics(trainings: Sequence[Trial]) -> dict[str, float]:
    best = pd.DataFrame([training.best.metrics for training in trainings if training.best])
    return {str(name): float(mean) for name, mean in best.mean().items()}


def _mean_score(answers: Sequence[Answers], images: pd.DataFrame) -> float:
    """Return the mean score over some of the images."""
    found = [
        scores(images["label"].to_numpy(), own.classes[_places(own, images)], own.tasks)
        for own in answers
    ]
    return float(np.mean([main_score(metrics) for metrics in found]))


def _places(answers: Answers, images: pd.DataFrame) -> NDArray[np.bool_]:
    return np.isin(answers.rows, images.index)


def _unseen_images(
    folder: ExperimentFolder, chosen: Sequence[ConfirmedTrial], images: pd.DataFrame
) -> pd.DataFrame:
    """Return the images of the persons by whom no trial was chosen, none if that is not known."""
    runs = folder.path.parent
    try:
        scored = [TrialFolder(runs / one.trial).read_validation().rows for one in chosen]
    except UnreadableFileError:
        return images.iloc[:0]
    seen = {person for rows in scored for person in images.loc[rows, "person"]}
    return images[~images["person"].isin(seen)]


def _without_seed(trial: Trial) -> dict[str, object]:
    values = trial.results.record.values
    return {path: value for path, value in values.items() if path != SEED}


def _confirms(folder: ExperimentFolder) -> Sequence[ConfirmedTrial]:
    try:
        return folder.read_record().confirms
    except UnreadableFileError:
        return ()
