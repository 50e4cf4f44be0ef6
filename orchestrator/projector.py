"""Where does the best trial's network see images that it was not trained on?

    <tensorboard>/projector_config.pbtxt    what TensorBoard's projector tab reads
                  embedding.tsv             an image's features a line
                  labels.tsv                who it shows, and what was predicted
                  thumbnails.jpg            the images, in the same order

The features are those of the first fold's network and its validation side.
"""
# pyright: reportAttributeAccessIssue=false
# TensorBoard's messages are classes made at import, which no type checker sees.

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from google.protobuf import text_format
from numpy.typing import NDArray
from PIL import Image, ImageOps
from sklearn.decomposition import PCA
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from orchestrator.photo_sheet import Pixels
from trainable.arrays import Embeddings, Probabilities
from trainable.config import TrialConfig
from trainable.dataset import load_data
from trainable.embedding import embedding_member
from trainable.files import make_folder, write_bytes, write_text
from trainable.labels import CLASS_NAMES, TASK_CLASSES, TASKS, decode
from trainable.store import experiment_of
from trainable.trial_folder import TrialFolder

CONFIG, POINTS_FILE = "projector_config.pbtxt", "embedding.tsv"
LABELS_FILE, THUMBNAILS_FILE = "labels.tsv", "thumbnails.jpg"
POINTS = 4000
"""Most images that are shown: what a browser turns smoothly, and one picture holds."""
DIMENSIONS = 50
"""Principal components that are kept: what t-SNE starts from as a rule, a tenth of the bytes."""
THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 48, 64
"""Pixels."""


def write_projector(trial: TrialFolder) -> None:
    """Write what the projector shows of a trial whose eval images are predicted.

    It takes the place of an earlier trial's. Of more than POINTS images a sample is shown.
    """
    experiment, config = experiment_of(trial), trial.read().record.config
    folder = experiment.tensorboard
    make_folder(folder)
    embeddings = sample(trial.read_validation_embeddings())
    labels = label_table(experiment.read_images(), embeddings.rows, trial.read_validation())
    write_text(folder / POINTS_FILE, _tsv(components(embeddings.values)))
    write_text(folder / LABELS_FILE, labels.to_csv(sep="\t", index=False))
    write_bytes(folder / THUMBNAILS_FILE, thumbnails(_pixels(config, embeddings.rows)))
    write_text(folder / CONFIG, text_format.MessageToString(_projector(trial.name)))


def sample(embeddings: Embeddings) -> Embeddings:
    """Return POINTS of the images, or all where there are no more; always the same."""
    count = len(embeddings.rows)
    random = np.random.default_rng(0)
    chosen = np.sort(random.choice(count, min(POINTS, count), replace=False))
    return Embeddings(embeddings.rows[chosen], embeddings.values[chosen])


def components(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the first principal components (N, at most DIMENSIONS) of features (N, F)."""
    pca = PCA(min(DIMENSIONS, *values.shape), random_state=0)
    return pca.fit_transform(values.astype(np.float32))


def label_table(
    images: pd.DataFrame, rows: NDArray[np.integer], validation: Probabilities
) -> pd.DataFrame:
    """Return a line for each image of ``rows``: person, age, true and predicted classes."""
    shown = images.loc[rows.tolist()]
    labels, predicted = shown["label"].to_numpy(), predicted_classes(validation, rows)
    true, found = decode(labels), decode(predicted)
    table = shown[["image", "person", "age"]].rename(columns={"age": "years"})
    for task in TASKS:
        names = np.array(TASK_CLASSES[task])
        table[task], table[f"predicted {task}"] = names[true[task]], names[found[task]]
    table["class"] = np.array(CLASS_NAMES)[labels]
    table["prediction"] = np.where(labels == predicted, "right", "wrong")
    return table


def predicted_classes(validation: Probabilities, rows: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the predicted joint classes of the images of ``rows``, all of which are predicted."""
    order = np.argsort(validation.rows)
    places = order[np.searchsorted(validation.rows, rows, sorter=order)]
    return validation.values[places].argmax(axis=1)


def thumbnails(images: Sequence[Pixels]) -> bytes:
    """Return images (H, W, 3) as one JPEG file of small ones, row by row.

    It has as many rows as columns, as the projector looks for an image's row by the wrong of both.
    """
    side = math.ceil(math.sqrt(len(images)))
    sheet = Image.new("RGB", (side * THUMBNAIL_WIDTH, side * THUMBNAIL_HEIGHT))
    for number, image in enumerate(images):
        row, column = divmod(number, side)
        small = ImageOps.pad(Image.fromarray(image), (THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT))
        sheet.paste(small, (column * THUMBNAIL_WIDTH, row * THUMBNAIL_HEIGHT))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _pixels(config: TrialConfig, rows: NDArray[np.integer]) -> Sequence[Pixels]:
    data = config.member_configs()[embedding_member(config)].data
    pixels = load_data(data).cache.pixels
    return [pixels[row] for row in rows]


def _tsv(values: NDArray[np.floating]) -> str:
    return "\n".join("\t".join(f"{value:.4g}" for value in line) for line in values)


def _projector(trial: str) -> Any:
    config = ProjectorConfig()
    embedding = config.embeddings.add()
    embedding.tensor_name = f"{trial}, images of persons that its network has not seen"
    embedding.tensor_path, embedding.metadata_path = POINTS_FILE, LABELS_FILE
    embedding.sprite.image_path = THUMBNAILS_FILE
    embedding.sprite.single_image_dim.extend((THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT))
    return config
