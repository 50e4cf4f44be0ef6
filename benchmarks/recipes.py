"""Does augmentation keep the network waiting, and do k folds cost k times one?"""

from benchmarks.samples import COMPUTE_PLAIN, FOLD_OF_FIVE, ONE_FOLD, Sample, compute_share_of
from benchmarks.task import SCALE, Task
from trainable.command_line import read_words
from trainable.config import AugmentConfig, TrialConfig, trial_part
from trainable.fit import SCHEMA
from trainable.fitting import Fit
from trainable.recipes.catalogue import RECIPES

FOLDS = 5


def measure_recipes(task: Task) -> list[Sample]:
    """Return each recipe's share of an epoch that is spent in steps, with and without its changes.

    On one core and in one process, where augmentation competes with the steps.
    """
    samples: list[Sample] = []
    for recipe in RECIPES:
        config = recipe_config(recipe, task)
        plain = unchanged(config)
        samples += [
            Sample(COMPUTE_PLAIN, compute_share(plain)),
            Sample(compute_share_of(recipe), compute_share(config)),
            Sample(COMPUTE_PLAIN, compute_share(plain)),
        ]
    return samples


def measure_folds(task: Task) -> list[Sample]:
    """Return the seconds of a fold's epoch, alone and as one of five."""
    one = recipe_config("plain", task)
    five = one.with_values({"cv.folds": FOLDS})
    return [
        Sample(ONE_FOLD, epoch_seconds(one)),
        Sample(FOLD_OF_FIVE, epoch_seconds(five) / FOLDS),
        Sample(ONE_FOLD, epoch_seconds(one)),
    ]


def recipe_config(recipe: str, task: Task) -> TrialConfig:
    """Return a recipe as one core trains it, on one split."""
    words = [f"recipe={recipe}", f"scale={SCALE}", f"data.root='{task.root}'", "cv.folds=1"]
    return trial_part(read_words(SCHEMA, [*words, "machine.threads=1"]).settings)


def unchanged(config: TrialConfig) -> TrialConfig:
    """Return the same trial with no image changed."""
    paths = [f"augment.{name}" for name in AugmentConfig.model_fields]
    plain = TrialConfig()
    return config.with_values({path: plain.value(path) for path in paths})


def compute_share(config: TrialConfig) -> float:
    """Return the share of a training epoch that is spent in steps, not in making batches."""
    epochs = Fit(config).train_epoch()
    step, data = (sum(epoch.seconds[kind] for epoch in epochs) for kind in ("step", "data"))
    return step / (step + data)


def epoch_seconds(config: TrialConfig) -> float:
    """Return the seconds of an epoch of all folds with its scoring."""
    return Fit(config).step().epoch_seconds
