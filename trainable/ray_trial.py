"""How does Ray Tune drive a fit? The only file of this package that imports Ray."""

import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.result import DONE

from trainable.config import TrialConfig
from trainable.device import release_memory
from trainable.fold_fit import DivergedError
from trainable.recorded import RecordedFit
from trainable.records import EpochRecord, Outcome
from trainable.store import ExperimentFolder, TrialFolder

BASE, EXPERIMENT = "base", "experiment"
"""Keys of what every trial of a search shares; all others are dotted paths."""
BEST, EPOCH, FAILURE = "best_score", "epoch", "failure"
"""Keys of a result: best score so far, the epoch's record, why the trial cannot go on."""


class RayTrial(tune.Trainable):
    """One trial: forwards to a RecordedFit, and turns a lost loss into the trial's own failure."""

    def setup(self, config: dict[str, Any]) -> None:
        """Build the fit from the shared base and this trial's own values."""
        values = dict(config)
        base = TrialConfig.model_validate(values.pop(BASE))
        self._folder = ExperimentFolder(Path(values.pop(EXPERIMENT))).trial(self.trial_name)
        with _failures_kept(self._folder):
            self._fit = RecordedFit(base.with_values(values), self._folder, values)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Start another trial in this process, when the last one's networks are gone."""
        del self._fit
        release_memory()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch; a trial whose loss is lost ends here, others are not touched."""
        try:
            with _failures_kept(self._folder):
                epoch = self._fit.step()
        except DivergedError as error:
            return self._result(None, str(error), done=True)
        return self._result(epoch, "", done=self._fit.fit.finished)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write what continuing needs."""
        self._fit.save(Path(checkpoint_dir))

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Continue from a checkpoint, a folder."""
        self._fit.load(Path(checkpoint))

    def _result(self, epoch: EpochRecord | None, failure: str, *, done: bool) -> dict[str, Any]:
        record = epoch and epoch.model_dump()
        return {BEST: self._fit.best_score, EPOCH: record, FAILURE: failure, DONE: done}


@contextmanager
def _failures_kept(folder: TrialFolder) -> Generator[None]:
    """Store why this attempt failed, then let Ray decide whether to try again."""
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        failed = Outcome(status="failed", reason=reason, traceback=traceback.format_exc())
        folder.write_outcome(failed)
        raise
