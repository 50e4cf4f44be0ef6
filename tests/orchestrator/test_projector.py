"""Every point of the projector has its own label and thumbnail, of a person nobody trained on."""

import io

import numpy as np
import pandas as pd
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from orchestrator.projector import (
    POINTS,
    THUMBNAIL_HEIGHT,
    THUMBNAIL_WIDTH,
    components,
    label_table,
    sample,
    thumbnails,
)
from trainable.arrays import Embeddings, Probabilities
from trainable.dataset import load_data


def embeddings(count):
    values = np.random.default_rng(0).normal(size=(count, 3))
    return Embeddings(np.arange(count, dtype=np.int32)[::-1], values.astype(np.float16))


def test_a_sample_keeps_rows_and_features_together():
    every, some = embeddings(POINTS + 50), sample(embeddings(POINTS + 50))
    assert len(set(some.rows)) == POINTS
    places = len(every.rows) - 1 - some.rows
    assert np.array_equal(some.values, every.values[places])
    assert np.array_equal(sample(embeddings(20)).rows, embeddings(20).rows)


def test_components_keep_the_distances_of_features_that_have_few_dimensions():
    random = np.random.default_rng(0)
    features = random.normal(size=(30, 4)).astype(np.float16).astype(float)
    found = components(features)
    before, after = (np.linalg.norm(every[0] - every[1:], axis=1) for every in (features, found))
    np.testing.assert_allclose(after, before, rtol=1e-3)
    assert components(random.normal(size=(60, 1024))).shape == (60, 50)


def test_labels_name_persons_with_true_and_predicted_classes(tiny):
    images = load_data(tiny.data).images
    values = np.eye(18, dtype=np.float16)[[4, int(images["label"][9]), 17]]
    table = label_table(images, np.array([9, 8]), Probabilities(np.array([3, 9, 8]), values))
    assert table["image"].tolist() == images["image"][[9, 8]].tolist()
    assert table["predicted age"].iloc[1] == ">=60"
    assert table["prediction"].tolist() == ["right", "wrong"]
    assert table["years"].tolist() == images["age"][[9, 8]].tolist()


def test_thumbnails_stand_in_a_square_row_by_row():
    colours = np.random.default_rng(0).integers(0, 255, (7, 3), np.uint8)
    images = [np.full((32, 24, 3), colour, np.uint8) for colour in colours]
    sheet = np.asarray(Image.open(io.BytesIO(thumbnails(images))))
    assert sheet.shape == (3 * THUMBNAIL_HEIGHT, 3 * THUMBNAIL_WIDTH, 3)
    middles = sheet[
        THUMBNAIL_HEIGHT // 2 :: THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH // 2 :: THUMBNAIL_WIDTH
    ]
    found = middles.reshape(9, 3)[:7].astype(int)
    np.testing.assert_allclose(found, colours, atol=4)


def test_the_best_trials_points_labels_and_thumbnails_are_as_many(searched):
    folder = searched.folder.tensorboard
    config = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
    [embedding] = config.embeddings
    best = max(searched.trials.values(), key=lambda trial: trial.best.score if trial.best else 0)
    assert embedding.tensor_name.startswith(f"{best.record.trial}, ")
    rows = searched.folder.trial(best.record.trial).read_validation_embeddings().rows
    labels = pd.read_csv(folder / embedding.metadata_path, sep="\t")
    points = pd.read_csv(folder / embedding.tensor_path, sep="\t", header=None)
    images = searched.folder.read_images()
    assert labels["image"].tolist() == images["image"][rows.tolist()].tolist()
    assert len(points) == len(labels) == 42
    with Image.open(folder / embedding.sprite.image_path) as sheet:
        assert sheet.size == (7 * THUMBNAIL_WIDTH, 7 * THUMBNAIL_HEIGHT)
