"""Eval images are answered together only where that helped persons who are known."""

import json

import numpy as np
import pandas as pd
import pytest

from trainable.arrays import Embeddings, Probabilities

WORDS = ("--group-eval", "--method", "soft", "--rule", "argmax", "--prior-shift", "off")
MEMBERS = ("peaked", "steady", "early")


@pytest.fixture
def seen(experiment):
    """Say of the ten eval images that they are of two persons, as networks would see it."""

    def write(*, persons_are_seen: bool) -> None:
        persons = experiment.read_images()["person"].factorize()[0]
        random = np.random.default_rng(0)
        whose = persons if persons_are_seen else random.permutation(persons)
        points = random.normal(size=(20, 32))
        for name in MEMBERS:
            folder = experiment.trial(name)
            rows = random.permutation(len(persons)).astype(np.int32)
            eval_rows = np.arange(10, dtype=np.int32)
            folder.write_embeddings(
                embedded(eval_rows, points[eval_rows // 5], random),
                embedded(rows, points[whose[rows]], random),
            )

    return write


@pytest.fixture
def unsure(experiment):
    """Let trials know gender and age of one in two images only, and of the others too little."""
    images = experiment.read_images()
    truth = images["person"].factorize()[0] % 6
    experiment.write_images(images.assign(label=truth), experiment.read_eval_images())
    for number, name in enumerate(MEMBERS):
        folder = experiment.trial(name)
        folder.write_validation(half_known(truth, number))
        folder.write_eval(half_known(np.repeat([1, 4], 5), number))


def embedded(rows, points, random):
    values = points + 0.05 * random.normal(size=points.shape)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return Embeddings(rows, values.astype(np.float16))


def half_known(labels, seed):
    """Return probabilities (N, 18): sure and right of even images, a little wrong of odd ones."""
    random = np.random.default_rng(seed)
    values = np.full((len(labels), 18), 0.01)
    odd = np.arange(len(labels)) % 2 == 1
    said = np.where(odd, (labels + 1) % 6, labels)
    values[np.arange(len(labels)), said] = np.where(odd, 0.06, 0.9)
    values *= 1 + 0.01 * random.random(values.shape)
    values /= values.sum(axis=1, keepdims=True)
    return Probabilities(np.arange(len(labels), dtype=np.int32), values.astype(np.float16))


def submitted(experiment):
    return pd.read_csv(experiment.path / "submission.csv")["ans"].tolist()


def test_images_of_a_person_answer_together_where_that_helps(
    run_ensemble, experiment, seen, unsure
):
    seen(persons_are_seen=True)
    result = run_ensemble(*WORDS)
    assert "images of one person together: applied; among known persons 100% of" in result.stdout
    assert submitted(experiment) == [1] * 5 + [4] * 5


def test_wrong_groups_are_told_and_left(run_ensemble, experiment, seen, unsure):
    seen(persons_are_seen=False)
    result = run_ensemble(*WORDS)
    assert "images of one person together: not applied" in result.stdout
    assert submitted(experiment) != [1] * 5 + [4] * 5


def test_trial_without_embeddings_names_the_command(run_ensemble, experiment):
    result = run_ensemble(*WORDS)
    assert result.exit_code == 2
    assert "has no embeddings; make them with: python -m trainable.predict trial=" in result.stderr
    assert not (experiment.path / "submission.csv").exists()


def test_without_the_word_nobody_looks_for_persons(run_ensemble):
    result = run_ensemble(*WORDS[1:], "--format", "json")
    assert result.exit_code == 0
    assert "ensemble" in {row["member"] for row in json.loads(result.stdout)}
    assert "person together" not in run_ensemble(*WORDS[1:]).stdout
