"""How does Ray Tune drive a fit? The only file of this package that imports Ray."""

import traceback
from pathlib import Path
from typing import Any

from ray import tune

from trainable.config import TrialConfig
from trainable.fold_fit import DivergedError
from trainable.metrics import SCORE
from trainable.recorded import RecordedFit
from trainable.records import Outcome
from trainable.store import ExperimentFolder, TrialFolder

BASE, EXPERIMENT = "base", "experiment"
"""Keys of what every trial of a search shares; all others are dotted paths."""
BEST, EPOCH, FAILURE = "best_" + SCORE, "epoch", "failure"
"""Keys of a result: best score so far, the epoch's record, why the trial cannot go on."""


class RayTrial(tune.Trainable):
    """One trial: forwards to a RecordedFit, and turns a lost loss into the trial's own failure."""

    def setup(self, config: dict[str, Any]) -> None:
        """Build the fit from the shared base and this trial's own values."""
        values = dict(config)
        base = TrialConfig.model_validate(values.pop(BASE))
        experiment = ExperimentFolder(Path(values.pop(EXPERIMENT)))
        self._folder: TrialFolder = experiment.trial(self.trial_name)
        try:
            self._fit = RecordedFit(base.with_values(values), self._folder, values)
        except Exception as error:
            self._keep(error)
            raise

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Start another trial in this process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch; a trial whose loss is lost ends here, others are not touched."""
        try:
            epoch = self._fit.step()
        except DivergedError as error:
            return {BEST: self._fit.best_score, EPOCH: None, FAILURE: str(error), tune.result.DONE: True}
        except Exception as error:
            self._keep(error)
            raise
        return {
            BEST: self._fit.best_score,
            EPOCH: epoch.model_dump(),
            FAILURE: "",
            tune.result.DONE: self._fit.fit.finished,
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write what continuing needs."""
        self._fit.save(Path(checkpoint_dir))

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Continue from a checkpoint."""
        self._fit.load(Path(checkpoint_dir))

    def _keep(self, error: Exception) -> None:
        """Keep why this attempt failed; Ray tries again, then the driver reports it."""
        reason = f"{type(error).__name__}: {error}"
        self._folder.write_outcome(
            Outcome(status="failed", reason=reason, traceback=traceback.format_exc())
        )
