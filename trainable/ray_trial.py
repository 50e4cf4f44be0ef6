"""How does Ray Tune drive a fit? The only file of this package that imports Ray."""

import math
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray import tune

from trainable.config import TrialConfig
from trainable.device import release_memory
from trainable.fold_fit import DivergedError
from trainable.recorded import RecordedFit
from trainable.records import EpochRecord, Outcome, best_epoch
from trainable.store import ExperimentFolder, TrialFolder

BASE, EXPERIMENT = "base", "experiment"
"""Keys of what every leg of a search shares: the trials' base, the experiment's folder."""
TRIAL, KNOWN = "trial", "known"
"""Keys of a leg: the trial's name, and the step up to which its results are known."""
OWN = (BASE, EXPERIMENT, TRIAL, KNOWN)
"""Keys that are no dotted path of a setting."""
BEST, STEP, EPOCH, FAILURE, NOTICE = "best_score", "step", "epoch", "failure", "notice"
"""Keys of a result: best score so far, steps trained, the epoch's record as JSON, why the trial
cannot go on, and what was amiss with its stored state."""


class RayTrial(tune.Trainable):
    """One leg of a trial: forwards to a RecordedFit, which goes on from what is stored.

    Epochs that are stored but not known to the driver, as it died meanwhile, are reported first.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Build the fit from the shared base and this trial's own values."""
        values = {path: value for path, value in config.items() if path not in OWN}
        base = TrialConfig.model_validate(config[BASE])
        self._known = int(config[KNOWN])
        self._folder = ExperimentFolder(Path(config[EXPERIMENT])).trial(config[TRIAL])
        with _failures_kept(self._folder):
            self._fit = RecordedFit(base.with_values(values), self._folder, values)
        self._fit.close()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Start another leg in this process, when the last one's networks are gone."""
        del self._fit
        release_memory()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Report one epoch; a trial whose loss is lost ends here, others are not touched."""
        try:
            with _failures_kept(self._folder):
                epoch = self._stored() or self._trained()
        except DivergedError as error:
            return self._result(0.0, self._known + 1, failure=str(error))
        self._known = epoch.epoch
        best = best_epoch(self._up_to_known())
        score = best.score if best else math.nan
        return self._result(score, epoch.epoch, record=epoch.model_dump_json())

    def _result(
        self, score: float, step: int, *, record: str = "", failure: str = ""
    ) -> dict[str, Any]:
        notice, self._fit.notice = self._fit.notice, ""
        return {BEST: score, STEP: step, EPOCH: record, FAILURE: failure, NOTICE: notice}

    def _stored(self) -> EpochRecord | None:
        return next((epoch for epoch in self._fit.epochs if epoch.epoch > self._known), None)

    def _trained(self) -> EpochRecord:
        # Between two epochs the trial is nobody's: after a pause another process may go on.
        self._fit.reopen()
        try:
            return self._fit.step()
        finally:
            self._fit.close()

    def _up_to_known(self) -> list[EpochRecord]:
        return [epoch for epoch in self._fit.epochs if epoch.epoch <= self._known]


@contextmanager
def _failures_kept(folder: TrialFolder) -> Generator[None]:
    """Store why this attempt failed, then let the driver decide whether to try again."""
    try:
        yield
    except DivergedError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        failed = Outcome(status="failed", reason=reason, traceback=traceback.format_exc())
        folder.write_outcome(failed)
        raise
