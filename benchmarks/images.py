"""How many images a second are decoded into the cache, and augmented?"""

import os
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager

from optuna.distributions import FloatDistribution

from benchmarks.samples import AUGMENTATION, CACHE_BUILD, Sample
from benchmarks.task import SPACE, Task
from search_spaces.catalogue import space_named
from trainable.batches import TrainingBatches
from trainable.cache import CACHE_VARIABLE, ImageSize, open_cache
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.sampling import training_side
from trainable.table import read_table

ROUNDS = 3


def measure_images(task: Task) -> list[Sample]:
    """Return images a second through a fresh cache's build, and through augmentation."""
    augmented = middle_augmentation(task.trial())
    return [
        *(Sample(CACHE_BUILD, built_per_second(task)) for _ in range(ROUNDS)),
        *(Sample(AUGMENTATION, augmented_per_second(augmented, i)) for i in range(ROUNDS)),
    ]


def built_per_second(task: Task) -> float:
    """Return the training images a second that all cores decode, resize and store."""
    config = task.trial().data
    images = list(read_table(task.root).images["image"])
    with fresh_cache():
        started = time.perf_counter()
        open_cache(task.root, images, ImageSize(config.image_height, config.image_width))
        return len(images) / (time.perf_counter() - started)


@contextmanager
def fresh_cache() -> Generator[None]:
    """Let this process cache in an empty folder within the block."""
    usual = os.environ.get(CACHE_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        try:
            yield
        finally:
            os.environ.pop(CACHE_VARIABLE)
            if usual is not None:
                os.environ[CACHE_VARIABLE] = usual


def augmented_per_second(config: TrialConfig, epoch: int) -> float:
    """Return the images a second of one core's time that an epoch's batches are made of."""
    data = load_data(config.data)
    (fold,) = data.folds(config.cv)
    side = training_side(config, data, fold)
    batches = TrainingBatches(side, config, 0)
    started = time.process_time()
    images = sum(len(batches[epoch, batch][1]) for batch in range(batches.batch_count))
    return images / (time.process_time() - started)


def middle_augmentation(config: TrialConfig) -> TrialConfig:
    """Return the settings with each searched augmentation at its middle probability."""
    domains = space_named((SPACE,), frozenset()).domains()
    middles = {
        path: (domain.low + domain.high) / 2
        for path, (domain, *_) in domains.items()
        if path.startswith("augment.") and isinstance(domain, FloatDistribution)
    }
    return config.with_values(middles)
