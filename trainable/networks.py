"""Which networks advance together? Those of some folds, one of each member for each fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainable.arrays import Embeddings
from trainable.config import TrialConfig
from trainable.dataset import FaceData
from trainable.device import loader_count
from trainable.fold_fit import FoldEpoch, FoldFit
from trainable.folds import Fold

Predictions = Mapping[str, NDArray[np.floating]]
"""Member -> probabilities (N, 18)."""


@dataclass(frozen=True)
class Member:
    """One of a trial's networks that vote: its settings, and the data as it sees them."""

    config: TrialConfig
    data: FaceData

    @property
    def eval_rows(self) -> NDArray[np.int32]:
        """Rows (N,) of all eval images."""
        return np.arange(len(self.data.eval_images), dtype=np.int32)


@dataclass(frozen=True)
class Embedded:
    """What is predicted of the eval images, and the features of one network on the way to it."""

    predictions: dict[str, list[NDArray[np.floating]]]
    of_eval: Embeddings
    of_validation: Embeddings


class Networks:
    """The networks of ``folds`` (number -> fold) and all members; an epoch trains each once.

    ``fetch=False`` loads no pretrained weights: for networks that stored weights are loaded into.
    """

    def __init__(
        self, members: Mapping[str, Member], folds: Mapping[int, Fold], *, fetch: bool = True
    ) -> None:
        self._members = members
        self._folds = folds
        count = len(members) * len(folds)
        self._fits = {
            (name, number): FoldFit(
                _sharing(member.config, count), member.data, fold, number, fetch=fetch
            )
            for name, member in members.items()
            for number, fold in folds.items()
        }

    def train_epoch(self, epoch: int) -> list[FoldEpoch]:
        """Train every network by epoch ``epoch`` (from 0)."""
        return [fit.train_epoch(epoch) for fit in self._fits.values()]

    def predict_validation(self) -> Predictions:
        """Return what each member predicts of the folds' validation sides, fold after fold."""
        return {
            name: np.concatenate(
                [
                    self._fits[name, number].predict(member.data.cache.pixels, fold.validation)
                    for number, fold in self._folds.items()
                ]
            )
            for name, member in self._members.items()
        }

    def predict_eval(self) -> dict[str, list[NDArray[np.floating]]]:
        """Return what each member's network of each fold predicts of all eval images."""
        return {
            name: [
                self._fits[name, number].predict(member.data.eval_cache.pixels, member.eval_rows)
                for number in self._folds
            ]
            for name, member in self._members.items()
        }

    def predict_and_embed(self, name: str) -> Embedded:
        """Return ``predict_eval`` with the features of member ``name``'s network of the first fold.

        They are those of the eval images, and of the validation side, that it has not seen either.
        """
        number, fold = next(iter(self._folds.items()))
        fit, member = self._fits[name, number], self._members[name]
        with fit.features_kept() as of_eval:
            predictions = self.predict_eval()
        with fit.features_kept() as of_validation:
            fit.predict(member.data.cache.pixels, fold.validation)
        return Embedded(
            predictions,
            Embeddings(member.eval_rows, np.concatenate(of_eval)),
            Embeddings(fold.validation.astype(np.int32), np.concatenate(of_validation)),
        )

    def weights(self) -> dict[str, torch.Tensor]:
        """Return every network's weights by ``<fold>.<name>``, or ``<member>/<fold>.<name>``."""
        return {
            place(*key) + name: value
            for key, fit in self._fits.items()
            for name, value in fit.weights().items()
        }

    def load_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take of the weights that ``weights`` returned those of these networks."""
        for key, fit in self._fits.items():
            own = place(*key)
            fit.load_weights(
                {
                    name.removeprefix(own): value
                    for name, value in weights.items()
                    if name.startswith(own)
                }
            )

    def renew_statistics(self) -> None:
        """Measure the statistics of every network's batch norms anew, on its own training side."""
        for fit in self._fits.values():
            fit.renew_statistics()

    def state_dict(self) -> list[dict[str, Any]]:
        """Return what continuing needs; the rest follows from the configuration."""
        return [fit.state_dict() for fit in self._fits.values()]

    def load_state_dict(self, state: Sequence[dict[str, Any]]) -> None:
        """Continue from what ``state_dict`` returned."""
        for fit, own in zip(self._fits.values(), state, strict=True):
            fit.load_state_dict(own)


def place(member: str, fold: int) -> str:
    """Return what the names of a network's weights begin with."""
    return f"{member}/{fold}." if member else f"{fold}."


def _sharing(config: TrialConfig, networks: int) -> TrialConfig:
    """Return a network's settings where it shares the machine's cores with the others."""
    return config.with_values({"machine.loaders": loader_count(config.machine, networks)})
