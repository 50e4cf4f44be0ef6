"""How is one configuration trained and predicted, fold by fold, epoch by epoch?"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.device import loader_count
from trainable.fold_fit import DivergedError, FoldEpoch, FoldFit
from trainable.metrics import scores
from trainable.records import EpochRecord
from trainable.store import Probabilities
from trainable.voting import VOTES


class Fit:
    """A trial in progress: all folds of all its networks advance together, an epoch at a time.

    ``fetch=False`` loads no pretrained weights: for a fit that stored weights are loaded into.
    """

    def __init__(self, config: TrialConfig, *, fetch: bool = True) -> None:
        self.config = config
        self._members = config.member_configs()
        self._data = {name: load_data(own.data) for name, own in self._members.items()}
        self.data = next(iter(self._data.values()))
        self._folds = self.data.folds(config.cv)
        networks = len(self._members) * len(self._folds)
        loaders = {"machine.loaders": loader_count(config.machine, networks)}
        self._fits = {
            (name, number): FoldFit(
                own.with_values(loaders), self._data[name], fold, number, fetch=fetch
            )
            for name, own in self._members.items()
            for number, fold in enumerate(self._folds)
        }
        self.rows = np.concatenate([fold.validation for fold in self._folds]).astype(np.int32)
        self.validation = np.zeros((0, 18), np.float32)
        self.epoch = 0

    @property
    def views(self) -> dict[str, str]:
        """What each network sees: a digest of its training labels and crops, by its name."""
        return {name: data.view for name, data in self._data.items()}

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained."""
        return self.epoch >= self.config.train.epochs

    def step(self) -> EpochRecord:
        """Train every fold by one epoch and score the pooled predictions of all its persons."""
        epochs = self.train_epoch()
        started = time.perf_counter()
        by_member = {name: self._predict_validation(name) for name in self._members}
        self.validation = self._vote(by_member)
        self._check_numbers()
        seconds = {kind: sum(epoch.seconds[kind] for epoch in epochs) for kind in epochs[0].seconds}
        seconds["validation"] = time.perf_counter() - started
        return EpochRecord(
            epoch=self.epoch,
            metrics=self._scores(self.config, self.validation),
            members=self._member_scores(by_member),
            train_loss=float(np.mean([epoch.loss for epoch in epochs])),
            lr=epochs[0].lr,
            seconds=seconds,
        )

    def train_epoch(self) -> list[FoldEpoch]:
        """Train every fold of every network by one epoch."""
        epochs = [fit.train_epoch(self.epoch) for fit in self._fits.values()]
        self.epoch += 1
        return epochs

    def validation_probabilities(self) -> Probabilities:
        """Return the out-of-fold probabilities of the last epoch."""
        return Probabilities(self.rows, self.validation.astype(np.float16))

    def eval_probabilities(self) -> Probabilities:
        """Return the eval images' probabilities: folds averaged, then the members' vote."""
        rows = np.arange(len(self.data.eval_images), dtype=np.int32)
        by_member = {
            name: np.mean([fit.predict(data.eval_cache.pixels, rows) for fit in self._of(name)], 0)
            for name, data in self._data.items()
        }
        return Probabilities(rows, self._vote(by_member).astype(np.float16))

    def weights(self) -> dict[str, torch.Tensor]:
        """Return every network's weights by ``<fold>.<name>``, or ``<member>/<fold>.<name>``."""
        return {
            f"{_place(key)}.{name}": value
            for key, fit in self._fits.items()
            for name, value in fit.weights().items()
        }

    def load_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """Take the weights that ``weights`` returned."""
        for key, fit in self._fits.items():
            place = f"{_place(key)}."
            own = {
                name.removeprefix(place): value
                for name, value in weights.items()
                if name.startswith(place)
            }
            fit.load_weights(own)

    def state_dict(self) -> dict[str, Any]:
        """Return what continuing needs; the rest follows from the configuration."""
        return {"epoch": self.epoch, "folds": [fit.state_dict() for fit in self._fits.values()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""
        self.epoch = state["epoch"]
        for fit, fold_state in zip(self._fits.values(), state["folds"], strict=True):
            fit.load_state_dict(fold_state)

    def _of(self, member: str) -> list[FoldFit]:
        return [fit for (name, _), fit in self._fits.items() if name == member]

    def _predict_validation(self, member: str) -> NDArray[np.floating]:
        pixels = self._data[member].cache.pixels
        pairs = zip(self._of(member), self._folds, strict=True)
        return np.concatenate([fit.predict(pixels, fold.validation) for fit, fold in pairs])

    def _vote(self, by_member: Mapping[str, NDArray[np.floating]]) -> NDArray[np.floating]:
        if len(by_member) == 1:
            return next(iter(by_member.values()))
        answered = [own.model.tasks for own in self._members.values()]
        return VOTES[self.config.members.vote](np.stack(list(by_member.values())), answered)

    def _member_scores(
        self, by_member: Mapping[str, NDArray[np.floating]]
    ) -> dict[str, dict[str, float]]:
        if len(self._members) == 1:
            return {}
        return {name: self._scores(own, by_member[name]) for name, own in self._members.items()}

    def _scores(self, config: TrialConfig, probabilities: NDArray[np.floating]) -> dict[str, float]:
        labels = self.data.images["label"].to_numpy()[self.rows]
        return scores(labels, probabilities.argmax(1), config.tasks)

    def _check_numbers(self) -> None:
        if not np.isfinite(self.validation).all():
            raise DivergedError(
                f"the network predicted no numbers after epoch {self.epoch} "
                f"(optim.lr={self.config.optim.lr:g})"
            )


def _place(key: tuple[str, int]) -> str:
    member, fold = key
    return f"{member}/{fold}" if member else str(fold)
