"""Which pictures show how a trial did? Of its best epoch, from what is stored of it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from orchestrator.charts import accuracy_bars, class_confusion, task_confusions
from orchestrator.photo_sheet import PHOTO_HEIGHT, Line, Pixels, Tile, photo_sheet
from orchestrator.wrong_faces import wrong_faces
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.first_batch import first_batch, label_texts
from trainable.labels import TASKS
from trainable.store import experiment_of
from trainable.trial_folder import TrialFolder

SHOWN = 32
"""Images of a batch that are shown."""


def trial_pictures(trial: TrialFolder) -> dict[str, bytes]:
    """Return tag -> PNG or JPEG file: wrong faces, accuracies, confusions, first training batch.

    A trial for some tasks has no joint class, and no picture of the 18. TensorBoard makes a section
    of each tag, and would leave out a picture whose tag a curve has.
    """
    images, validation = experiment_of(trial).read_images(), trial.read_validation()
    config = trial.read().record.config
    labels = images["label"].to_numpy()[validation.rows]
    predicted, tasks = validation.values.argmax(axis=1), config.tasks
    wrong = wrong_faces(images, validation, load_data(config.data).root, tasks)
    found = {
        "accuracy": accuracy_bars(labels, predicted, tasks),
        "confusion_of_tasks": task_confusions(labels, predicted, tasks),
    }
    if tasks == TASKS:
        found["confusion_of_classes"] = class_confusion(labels, predicted)
    if wrong:
        found["most_wrong_faces"] = photo_sheet(wrong)
    return found | first_batches(config)


def first_batches(config: TrialConfig) -> dict[str, bytes]:
    """Return tag -> JPEG file: what the networks of a trial see first, a picture for each."""
    return {
        f"first_batch/{member}".rstrip("/"): photo_sheet(batch_tiles(own))
        for member, own in config.member_configs().items()
    }


def batch_tiles(config: TrialConfig) -> Sequence[Tile]:
    """Return the first training batch of one network, augmented, with what each is trained as."""
    images, targets = first_batch(config, load_data(config.data))
    texts = label_texts(targets, config.model)
    return [
        Tile(enlarged(image), [Line(text) for text in label.splitlines()])
        for image, label in zip(images[:SHOWN], texts, strict=False)
    ]


def enlarged(image: Pixels) -> Pixels:
    """Return an image (H, W, 3) at the height of a tile, its pixels still to be seen."""
    height, width = image.shape[:2]
    size = (round(width * PHOTO_HEIGHT / height), PHOTO_HEIGHT)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.NEAREST))
