"""How is a mixture of weights kept? As a trial that says from which others it was mixed."""

from collections.abc import Sequence

import numpy as np

from trainable.metrics import scores
from trainable.predict import store_predictions
from trainable.recorded import machine_record, write_weights
from trainable.records import EpochRecord, Outcome, TrialRecord
from trainable.soup.choice import Judge, Mixture
from trainable.soup.ingredients import Ingredient
from trainable.soup.mixer import Mixer
from trainable.store import ExperimentFolder, experiment_of, now
from trainable.trial_folder import TrialFolder


def store_mixture(mixer: Mixer, judge: Judge, mixture: Mixture, seconds: float) -> TrialFolder:
    """Keep a mixture that took ``seconds`` to find; its record makes it a trial and comes last."""
    chosen = mixer.named(mixture)
    folder = _free_folder(experiment_of(chosen[0].folder))
    folder.write_validation(mixer.mix(mixture))
    write_weights(mixer.fit, folder.weights_file)
    store_predictions(mixer.fit, folder)
    metrics = scores(judge.labels, mixer.answers(mixture), judge.tasks)
    folder.write_epochs([_epoch(chosen, metrics, seconds)])
    folder.write_outcome(Outcome(status="completed", reason=f"mixed from {listed(chosen)}"))
    folder.write_record(_record(folder, chosen))
    return folder


def listed(chosen: Sequence[Ingredient]) -> str:
    """Return the names of trials as people are told them."""
    return ", ".join(one.folder.name for one in chosen)


def _record(folder: TrialFolder, chosen: Sequence[Ingredient]) -> TrialRecord:
    """Return the best trial's record, but for what the search chose: no values of it did this."""
    first = chosen[0].record
    changed = {
        "trial": folder.name,
        "values": {},
        "machine": machine_record(first.config),
        "setup_seconds": 0.0,
        "started": now(),
        "taken_from": "",
        "mixed_from": [one.folder.name for one in chosen],
    }
    return first.model_copy(update=changed)


def _epoch(chosen: Sequence[Ingredient], metrics: dict[str, float], seconds: float) -> EpochRecord:
    """Return the best trial's epoch with the mixture's metrics, and the ingredients' mean loss."""
    changed = {
        "metrics": metrics,
        "members": {},
        "train_loss": float(np.mean([one.best.train_loss for one in chosen])),
        "seconds": {"mixing": seconds},
    }
    return chosen[0].best.model_copy(update=changed)


def _free_folder(experiment: ExperimentFolder) -> TrialFolder:
    taken = {trial.name for trial in experiment.trials()}
    names = (f"soup-{number:03}" for number in range(1, len(taken) + 2))
    return experiment.trial(next(name for name in names if name not in taken))
