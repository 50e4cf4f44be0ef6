"""How is one configuration trained and predicted, fold by fold, epoch by epoch?"""

import time
from typing import Any

import numpy as np
import torch

from trainable.config import TrialConfig
from trainable.dataset import FaceData, load_data
from trainable.fold_fit import DivergedError, FoldFit
from trainable.metrics import scores
from trainable.model import check_backbone, make_model
from trainable.records import EpochRecord
from trainable.store import Probabilities


def check_trial(config: TrialConfig) -> FaceData:
    """Raise UserError for all that would stop the trial; return its data.

    Checks the backbone, its pretrained weights, the data, and the folds for leaks.
    """
    check_backbone(config.model, (config.data.image_height, config.data.image_width))
    if config.model.pretrained:
        make_model(config.model)
    data = load_data(config.data)
    data.folds(config.cv)
    return data


class Fit:
    """A trial in progress: all folds advance together, one epoch at a time.

    ``fetch=False`` loads no pretrained weights: for a fit that stored weights are loaded into.
    """

    def __init__(
        self, config: TrialConfig, data: FaceData | None = None, *, fetch: bool = True
    ) -> None:
        self.config = config
        self.data = data or load_data(config.data)
        self._folds = self.data.folds(config.cv)
        self._fits = [
            FoldFit(config, self.data, fold, number, fetch=fetch)
            for number, fold in enumerate(self._folds)
        ]
        self.rows = np.concatenate([fold.validation for fold in self._folds]).astype(np.int32)
        self.validation = np.zeros((0, 18), np.float32)
        self.epoch = 0

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained."""
        return self.epoch >= self.config.train.epochs

    def step(self) -> EpochRecord:
        """Train every fold by one epoch and score the pooled predictions of all its persons."""
        epochs = [fit.train_epoch(self.epoch) for fit in self._fits]
        started = time.perf_counter()
        self.validation = np.concatenate(
            [
                fit.predict(self.data.cache.pixels, fold.validation)
                for fit, fold in zip(self._fits, self._folds, strict=True)
            ]
        )
        if not np.isfinite(self.validation).all():
            raise DivergedError(
                f"the network predicted no numbers after epoch {self.epoch + 1} "
                f"(optim.lr={self.config.optim.lr:g})"
            )
        labels = self.data.images["label"].to_numpy()[self.rows]
        metrics = scores(labels, self.validation.argmax(1))
        seconds = {kind: sum(epoch.seconds[kind] for epoch in epochs) for kind in epochs[0].seconds}
        seconds["validation"] = time.perf_counter() - started
        self.epoch += 1
        return EpochRecord(
            epoch=self.epoch,
            metrics=metrics,
            train_loss=float(np.mean([epoch.loss for epoch in epochs])),
            lr=epochs[0].lr,
            seconds=seconds,
        )

    def validation_probabilities(self) -> Probabilities:
        """Return the out-of-fold probabilities of the last epoch."""
        return Probabilities(self.rows, self.validation.astype(np.float16))

    def eval_probabilities(self) -> Probabilities:
        """Return the eval images' probabilities, averaged over the folds' networks."""
        rows = np.arange(len(self.data.eval_images), dtype=np.int32)
        pixels = self.data.eval_cache.pixels
        values = np.mean([fit.predict(pixels, rows) for fit in self._fits], axis=0)
        return Probabilities(rows, values.astype(np.float16))

    def weights(self) -> dict[str, torch.Tensor]:
        """Return every fold's weights, named ``<fold>.<name>``."""
        return {
            f"{number}.{name}": value
            for number, fit in enumerate(self._fits)
            for name, value in fit.model.state_dict().items()
        }

    def load_weights(self, weights: dict[str, torch.Tensor]) -> None:
        """Take the weights that ``weights`` returned."""
        for number, fit in enumerate(self._fits):
            own = {
                name.partition(".")[2]: value
                for name, value in weights.items()
                if name.startswith(f"{number}.")
            }
            fit.model.load_state_dict(own)

    def state_dict(self) -> dict[str, Any]:
        """Return what continuing needs; the rest follows from the configuration."""
        return {"epoch": self.epoch, "folds": [fit.state_dict() for fit in self._fits]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""
        self.epoch = state["epoch"]
        for fit, fold_state in zip(self._fits, state["folds"], strict=True):
            fit.load_state_dict(fold_state)
