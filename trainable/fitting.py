"""How is one configuration trained and predicted, fold by fold, epoch by epoch?"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainable import team
from trainable.arrays import Embeddings, Probabilities
from trainable.checkpoint import packed
from trainable.config import CvConfig, TrialConfig
from trainable.dataset import load_data
from trainable.device import peak_memory, release_memory
from trainable.embedding import embedding_member
from trainable.fold_fit import DivergedError, FoldEpoch
from trainable.folds import Fold
from trainable.metric_names import main_score
from trainable.metrics import scores
from trainable.networks import Member, Networks, Predictions, place
from trainable.records import EpochRecord
from trainable.voting import VOTES


class Fit:
    """A trial in progress: all its networks advance together, an epoch at a time.

    Its folds advance together too. With ``cv.fidelity=folds`` they come one after the other: the
    first trains all epochs, and its best one is the trial's; each further fold trains as many
    epochs and no more, so that nothing is selected on its own persons. Then ``epoch`` counts steps:
    ``train.epochs`` of them are a fold, however few it needs.

    ``fetch=False`` loads no pretrained weights: for a fit that stored weights are loaded into.
    """

    def __init__(self, config: TrialConfig, *, fetch: bool = True) -> None:
        self.config = config
        self._fetch = fetch
        self._members = {
            name: Member(own, load_data(own.data)) for name, own in config.member_configs().items()
        }
        self.data = next(iter(self._members.values())).data
        self._groups = _groups(self.data.folds(config.cv), config.cv)
        self._networks: Networks | None = self._build(0)
        self._kept = Kept()
        self.rows = self._rows(1)
        self.validation = np.zeros((0, 18), np.float32)
        self.epoch = 0

    @property
    def views(self) -> dict[str, str]:
        """What each network sees: a digest of its training labels and crops, by its name."""
        return {name: member.data.view for name, member in self._members.items()}

    @property
    def finished(self) -> bool:
        """Whether all folds are trained."""
        return self.epoch >= self.config.steps

    def step(self) -> EpochRecord:
        """Train an epoch and score the pooled predictions of all persons predicted so far."""
        epochs = self.train_epoch()
        started = time.perf_counter()
        newest = self._newest()
        counted = newest if self._is_first else [*self._kept.predictions, *newest]
        by_member = _pooled(counted)
        self.rows, self.validation = self._rows(len(counted)), self._vote(by_member)
        self._check_numbers()
        metrics = self._scores(self.config, self.validation)
        if self._is_in_turn:
            self._keep(main_score(metrics), counted)
        seconds = {kind: sum(epoch.seconds[kind] for epoch in epochs) for kind in epochs[0].seconds}
        seconds["validation"] = time.perf_counter() - started
        return EpochRecord(
            epoch=self.epoch,
            folds=sum(len(group) for group in self._groups[: len(counted)]),
            metrics=metrics,
            members=self._member_scores(by_member),
            train_loss=float(np.mean([epoch.loss for epoch in epochs])),
            lr=epochs[0].lr,
            seconds=seconds,
            memory_bytes=peak_memory(),
        )

    def train_epoch(self) -> list[FoldEpoch]:
        """Train every network that is in turn by one epoch."""
        assert not self.finished
        group, epoch = divmod(self.epoch, self.config.train.epochs)
        networks = self._current(group)
        epochs = networks.train_epoch(epoch)
        self.epoch += 1
        if group and epoch + 1 == self._kept.epoch:
            self.epoch = (group + 1) * self.config.train.epochs
        return epochs

    def follow(self, step: int) -> None:
        """Train the step after ``step`` beside the team's first process, which alone scores it."""
        length = self.config.train.epochs
        if self._is_in_turn and step // length != (self.epoch - 1) // length:
            self._networks = None
        self.epoch = step
        self.train_epoch()

    def go_on_together(self) -> None:
        """Let all processes of the team go on from the state of the first."""
        state = team.first_ones(None if team.rank() else self.state_dict())
        if team.rank():
            self.load_state_dict(state)

    def validation_probabilities(self) -> Probabilities:
        """Return the out-of-fold probabilities that were predicted last."""
        return Probabilities(self.rows, self.validation.astype(np.float16))

    def eval_probabilities(self) -> Probabilities:
        """Return the eval images' probabilities: folds averaged, then the members' vote."""
        return self._averaged(map(Networks.predict_eval, self._loaded_networks()))

    def predict_and_embed(self) -> "Predicted":
        """Return those, and the embeddings that one network makes on the way to them.

        It is the first fold's, of the member that ``embedding_member`` names.
        """
        networks = self._loaded_networks()
        first = next(networks).predict_and_embed(embedding_member(self.config))
        others = map(Networks.predict_eval, networks)
        probabilities = self._averaged(chain([first.predictions], others))
        return Predicted(probabilities, first.of_eval, first.of_validation)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return every network's weights by ``<fold>.<name>``, or ``<member>/<fold>.<name>``.

        Of folds that come one after the other: the first at its best epoch so far, and those that
        are finished.
        """
        return dict(self._kept.weights) if self._is_in_turn else self._current(0).weights()

    def load_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take the weights that ``weights`` returned; training does not go on from there."""
        if self._is_in_turn:
            self._networks, self._kept.weights = None, dict(weights)
        else:
            self._current(0).load_weights(weights)

    def predict_mixed(self) -> Probabilities:
        """Return what mixed weights, which were loaded, predict out-of-fold.

        The statistics of their batch norms are measured anew, each on its own training side.
        """
        counted: list[Predictions] = []
        for networks in self._loaded_networks():
            networks.renew_statistics()
            counted.append(networks.predict_validation())
            if self._is_in_turn:
                self._kept.weights |= _copies(networks.weights())
        self.rows, self.validation = self._rows(len(counted)), self._vote(_pooled(counted))
        return self.validation_probabilities()

    def state_dict(self) -> dict[str, Any]:
        """Return what continuing needs; the rest follows from the configuration."""
        return {
            "epoch": self.epoch,
            "networks": self._networks and self._networks.state_dict(),
            "kept": self._kept.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state_dict`` returned."""
        self.epoch = state["epoch"]
        self._kept.load_state_dict(state["kept"])
        if self._is_in_turn:
            self._networks = None
        if state["networks"]:
            group = self.epoch // self.config.train.epochs if self._is_in_turn else 0
            self._current(group).load_state_dict(state["networks"])

    @property
    def _is_in_turn(self) -> bool:
        """Whether the folds come one after the other."""
        return len(self._groups) > 1

    @property
    def _is_first(self) -> bool:
        """Whether the last epoch was one of the first folds."""
        return self.epoch <= self.config.train.epochs

    @property
    def _is_complete(self) -> bool:
        """Whether the last epoch was the last of its folds."""
        return self.epoch % self.config.train.epochs == 0

    def _build(self, group: int, *, fetch: bool = True) -> Networks:
        return Networks(self._members, self._groups[group], fetch=fetch and self._fetch)

    def _current(self, group: int) -> Networks:
        """Return the networks in training; those of the next folds where the last are complete."""
        if self._networks is None:
            release_memory()
            self._networks = self._build(group)
        return self._networks

    def _averaged(
        self, predictions: Iterable[Mapping[str, list[NDArray[np.floating]]]]
    ) -> Probabilities:
        """Return the vote of the members, each the mean over its folds."""
        by_member: dict[str, list[NDArray[np.floating]]] = {name: [] for name in self._members}
        for predicted in predictions:
            for name, folds in predicted.items():
                by_member[name] += folds
        voted = self._vote({name: np.mean(folds, 0) for name, folds in by_member.items()})
        return Probabilities(np.arange(len(voted), dtype=np.int32), voted.astype(np.float16))

    def _loaded_networks(self) -> Iterator[Networks]:
        """Yield the networks with the weights that count; of folds in turn one at a time."""
        if not self._is_in_turn:
            yield self._current(0)
            return
        member = next(iter(self._members))
        for number, group in enumerate(self._groups):
            own = tuple(place(member, fold) for fold in group)
            if any(name.startswith(own) for name in self._kept.weights):
                yield self._kept_networks(number)

    def _kept_networks(self, group: int) -> Networks:
        networks = self._build(group, fetch=False)
        networks.load_weights(self._kept.weights)
        return networks

    def _newest(self) -> list[Predictions]:
        """Return what the last epoch predicts, but nothing while a further fold is not complete."""
        if not (self._is_first or self._is_complete):
            return []
        assert self._networks
        return [self._networks.predict_validation()]

    def _keep(self, score: float, counted: list[Predictions]) -> None:
        """Keep the first folds as they are at their best, and further ones that are complete."""
        assert self._networks
        if self._is_first and score > self._kept.score:
            self._kept = Kept(self.epoch, score, counted, _copies(self._networks.weights()))
        elif self._is_complete and not self._is_first:
            self._kept.predictions = counted
            self._kept.weights |= _copies(self._networks.weights())
        if self._is_complete:
            self._networks = None

    def _rows(self, groups: int) -> NDArray[np.int32]:
        """Return the persons' images that the folds of the first ``groups`` groups predict."""
        folds = [fold for group in self._groups[:groups] for fold in group.values()]
        return np.concatenate([fold.validation for fold in folds]).astype(np.int32)

    def _vote(self, by_member: Predictions) -> NDArray[np.floating]:
        if len(by_member) == 1:
            return next(iter(by_member.values()))
        answered = [member.config.model.tasks for member in self._members.values()]
        return VOTES[self.config.members.vote](np.stack(list(by_member.values())), answered)

    def _member_scores(self, by_member: Predictions) -> dict[str, dict[str, float]]:
        if len(self._members) == 1:
            return {}
        return {
            name: self._scores(member.config, by_member[name])
            for name, member in self._members.items()
        }

    def _scores(self, config: TrialConfig, probabilities: NDArray[np.floating]) -> dict[str, float]:
        labels = self.data.images["label"].to_numpy()[self.rows]
        return scores(labels, probabilities.argmax(1), config.tasks)

    def _check_numbers(self) -> None:
        if not np.isfinite(self.validation).all():
            raise DivergedError(
                f"the network predicted no numbers after epoch {self.epoch} "
                f"(optim.lr={self.config.optim.lr:g})"
            )


@dataclass(frozen=True)
class Predicted:
    """What a trial predicts of the eval images, and embeddings of them and of validation images."""

    probabilities: Probabilities
    of_eval: Embeddings
    of_validation: Embeddings


@dataclass
class Kept:
    """What is kept of folds that come one after the other.

    ``epoch`` and ``score`` are the first fold's best; ``predictions`` (of the validation sides, in
    the order of the folds) and ``weights`` are those of the folds that count.
    """

    epoch: int = 0
    score: float = -1.0
    predictions: list[Predictions] = field(default_factory=list[Predictions])
    weights: dict[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])

    def state_dict(self) -> dict[str, Any]:
        """Return everything, arrays as tensors."""
        predictions = [
            {name: torch.from_numpy(array) for name, array in by_member.items()}
            for by_member in self.predictions
        ]
        return {**vars(self), "predictions": predictions}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what ``state_dict`` returned."""
        self.epoch, self.score, self.weights = state["epoch"], state["score"], state["weights"]
        self.predictions = [
            {str(name): tensor.numpy() for name, tensor in by_member.items()}
            for by_member in state["predictions"]
        ]


def _groups(folds: Sequence[Fold], config: CvConfig) -> list[dict[int, Fold]]:
    """Return the folds by number, in groups that come one after the other."""
    numbered = dict(enumerate(folds))
    if config.fidelity == "folds":
        return [{number: fold} for number, fold in numbered.items()]
    return [numbered]


def _pooled(counted: Sequence[Predictions]) -> Predictions:
    return {name: np.concatenate([one[name] for one in counted]) for name in counted[0]}


def _copies(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: packed(value).clone() for name, value in weights.items()}
