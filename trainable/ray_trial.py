"""How does Ray Tune drive a fit? With ``ray_peers`` the only file here that imports Ray."""

import json
import math
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import ray
from ray import tune

from trainable.config import TrialConfig
from trainable.device import is_out_of_memory, release_memory
from trainable.fitting import Fit
from trainable.fold_fit import DivergedError
from trainable.leg_keys import (
    BASE,
    BEST,
    EPOCH,
    EXPECTED,
    EXPERIMENT,
    FAILURE,
    KNOWN,
    NODES,
    NOTICE,
    OUT_OF_MEMORY,
    OWN,
    RELIEF,
    STEP,
    TRIAL,
    UNFIT,
)
from trainable.locations import location
from trainable.node_check import Expected, why_unfit
from trainable.patience import patient
from trainable.ray_peers import LostMachineError, Peers
from trainable.recorded import RecordedFit
from trainable.records import EpochRecord, Outcome, best_epoch
from trainable.storage_errors import StorageError
from trainable.store import ExperimentFolder, experiment_of
from trainable.trial_folder import BusyTrialError, TrialFolder


class RayTrial(tune.Trainable):
    """One leg of a trial: forwards to a RecordedFit, which goes on from what is stored.

    Epochs that are stored but not known to the driver, as it died meanwhile, are reported first.
    The fit is built with the first step, so that building it is watched and told as any step is.
    """

    _peers: Peers | None = None

    def setup(self, config: dict[str, Any]) -> None:
        """Take which trial it is, from which step on."""
        self._leg = config
        self._known = int(config[KNOWN])
        self._folder = ExperimentFolder(location(config[EXPERIMENT])).trial(config[TRIAL])
        self._fit: RecordedFit | None = None
        self._peers = self._peers or _peers()
        self._is_joined = False

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Start another leg in this process, when the last one's networks are gone."""
        self._fit = None
        release_memory()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Report one epoch; a trial whose loss is lost ends here, others are not touched.

        Where the storage refuses for longer than it is waited for, the machine is unfit.
        """
        try:
            with patient(), _failures_kept(self._folder):
                if self._fit is None and (refused := self._begin()):
                    return self._result(**refused)
                return self._advance()
        except DivergedError as error:
            return self._result(failure=str(error))
        except _OutOfMemoryError as error:
            found = {OUT_OF_MEMORY: str(error)}
        except StorageError as error:
            found = {UNFIT: str(error)}
        self._fit = None  # out of the handler: while it is handled the error keeps the tensors
        release_memory()
        return self._result(**found)

    def _begin(self) -> dict[str, Any]:
        """Build the fit; return which machine must not and why, nothing where all may."""
        values = {path: value for path, value in self._leg.items() if path not in OWN}
        base = with_relief(TrialConfig.model_validate_json(self._leg[BASE]), self._leg[RELIEF])
        config = base.with_values(values)
        refused = self._refused(config)
        if not refused:
            self._fit = RecordedFit(config, self._folder, values)
            self._fit.close()
        return refused

    def _refused(self, config: TrialConfig) -> dict[str, Any]:
        asked = config, experiment_of(self._folder), Expected(**json.loads(self._leg[EXPECTED]))
        if unfit := why_unfit(*asked):
            return {UNFIT: unfit}
        places = self._peers.look(*asked) if self._peers else ()
        unfits = ({UNFIT: at.unfit, NODES: [at.node]} for at in places if at.unfit)
        return next(unfits, {})

    def _advance(self) -> dict[str, Any]:
        fit = self._fit
        assert fit
        epoch = self._stored(fit) or self._trained(fit)
        self._known = epoch.epoch
        best = best_epoch([one for one in fit.epochs if one.epoch <= self._known])
        score = best.score if best else math.nan
        notice, fit.notice = fit.notice, ""
        record = epoch.model_dump_json()
        return self._result(best_score=score, step=epoch.epoch, epoch=record, notice=notice)

    def _result(self, **found: Any) -> dict[str, Any]:
        nothing = {BEST: 0.0, STEP: self._known, EPOCH: "", NOTICE: ""}
        here = ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""
        nodes = [here, *(place.node for place in (self._peers.places if self._peers else ()))]
        return {**nothing, FAILURE: "", OUT_OF_MEMORY: "", UNFIT: "", NODES: nodes, **found}

    def _trained(self, fit: RecordedFit) -> EpochRecord:
        # Between two epochs the trial is nobody's: after a pause another process may go on.
        fit.reopen()
        try:
            with self._together(fit.fit):
                return fit.step()
        finally:
            fit.close()

    @contextmanager
    def _together(self, fit: Fit) -> Generator[None]:
        """Let the trial's other processes, if there are any, train the next step too."""
        if self._peers is None:
            yield
            return
        if not self._is_joined:
            self._peers.begin(fit)
            self._is_joined = True
        with self._peers.following(fit.epoch):
            yield

    def _stored(self, fit: RecordedFit) -> EpochRecord | None:
        return next((epoch for epoch in fit.epochs if epoch.epoch > self._known), None)


def with_relief(base: TrialConfig, times: int) -> TrialConfig:
    """Return the settings with which a trial that ran out of memory so often takes less of it.

    The batches stay the same, and are trained in parts of half the size.
    """
    parts = base.machine.micro_batches * 2**times
    return base.with_values({"machine.micro_batches": parts})


class _OutOfMemoryError(Exception):
    """The trial's own error, without its traceback, which holds on to the tensors."""


def _peers() -> Peers | None:
    """Return the other processes of a trial that was given a placement group of several bundles."""
    group = ray.util.get_current_placement_group() if ray.is_initialized() else None
    return Peers(group) if group and group.bundle_count > 1 else None


@contextmanager
def _failures_kept(folder: TrialFolder) -> Generator[None]:
    """Store why this attempt failed, then let the driver decide whether to try again."""
    try:
        yield
    except (DivergedError, BusyTrialError, LostMachineError, StorageError):
        raise  # how a trial that another process goes on with ends is not for this one to say
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        if is_out_of_memory(error):
            raise _OutOfMemoryError(reason.splitlines()[0]) from None
        failed = Outcome(status="failed", reason=reason, traceback=traceback.format_exc())
        folder.write_outcome(failed)
        raise
