"""What do networks predict whose weights are the mean of several trials'?"""

from collections.abc import Sequence

import torch
from safetensors.torch import load_file

from trainable.arrays import Probabilities
from trainable.experiment import check_same_data, check_same_views
from trainable.fitting import Fit
from trainable.locations import Location
from trainable.resampling import Classes
from trainable.soup.choice import Mixture
from trainable.soup.ingredients import Ingredient, answers_of
from trainable.store import experiment_of
from trainable.stored import local_copy, reading

Weights = dict[str, torch.Tensor]


class Mixer:
    """Averages the weights of ``ingredients``, and predicts with the settings of the first.

    Each fold's networks are averaged with the same fold's of other trials: they were trained on
    the same persons, so that what a mixture predicts out-of-fold no part of it has seen.
    Raises UserError where the data, labels or crops are no longer those of the first.
    """

    def __init__(self, ingredients: Sequence[Ingredient]) -> None:
        self._ingredients = ingredients
        first = ingredients[0]
        self.fit = Fit(first.record.config, fetch=False)
        check_same_data(experiment_of(first.folder), self.fit.data)
        check_same_views(first.record, self.fit.views)
        self._answers: dict[Mixture, Classes] = {
            frozenset({number}): one.answers for number, one in enumerate(ingredients)
        }

    def answers(self, mixture: Mixture) -> Classes:
        """Return the classes (N,) that a mixture predicts out-of-fold, in the order of the rows."""
        if mixture not in self._answers:
            self._answers[mixture] = answers_of(self.mix(mixture))
        return self._answers[mixture]

    def named(self, mixture: Mixture) -> list[Ingredient]:
        """Return the trials of a mixture, the best first."""
        return [self._ingredients[number] for number in sorted(mixture)]

    def mix(self, mixture: Mixture) -> Probabilities:
        """Let ``fit`` predict with a mixture; return what it predicts out-of-fold."""
        files = [one.folder.weights_file for one in self.named(mixture)]
        self.fit.load_weights(mean_weights(files))
        return self.fit.predict_mixed()


def mean_weights(files: Sequence[Location]) -> Weights:
    """Return the mean of stored weights by name; whole numbers are counts, and the first's."""
    mean = _load(files[0])
    for number, file in enumerate(files[1:], start=2):
        for name, value in _load(file).items():
            if value.is_floating_point():
                mean[name] = mean[name].lerp(value, 1 / number)
    return mean


def _load(file: Location) -> Weights:
    with reading(file), local_copy(file) as here:
        return load_file(here)
