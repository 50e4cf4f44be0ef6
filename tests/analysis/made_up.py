"""What do tests of ensembles share? Persons and trials whose probabilities are calibrated."""

import numpy as np
from scipy.special import softmax

from analysis.ensembles.evidence import Evidence
from trainable.labels import MASK_OF_IMAGE, TASKS, decode, encode, join_tasks

MASKS = np.array(list(MASK_OF_IMAGE.values()))
SHARES = {
    "mask": np.bincount(MASKS) / len(MASKS),
    "gender": np.array([0.4, 0.6]),
    "age": np.array([0.45, 0.42, 0.13]),
}


def people(count: int, random: np.random.Generator, **shares: np.ndarray):
    """Return true classes (7 count,) and persons of ``count`` persons drawn to the shares."""
    drawn = {**SHARES, **shares}
    gender, age = (random.choice(len(drawn[t]), count, p=drawn[t]) for t in ("gender", "age"))
    labels = encode(np.tile(MASKS, count), np.repeat(gender, 7), np.repeat(age, 7))
    return labels, np.repeat([f"person {i:03d}" for i in range(count)], 7)


def seen(labels: np.ndarray, share: np.ndarray, apart: float, random: np.random.Generator):
    """Return what is known of classes (N,) from normal features: exact posteriors (N, C)."""
    features = apart * np.eye(len(share))[labels] + random.normal(size=(len(labels), len(share)))
    return softmax(apart * features + np.log(share), axis=1)


def joint_seen(labels: np.ndarray, random: np.random.Generator, apart: float = 1.5):
    """Return joint posteriors (N, 18), under SHARES, of images with these classes."""
    truth = decode(labels)
    return join_tasks({task: seen(truth[task], SHARES[task], apart, random) for task in TASKS})


def made_up(persons: int = 20, apart: tuple[float, ...] = (1.5, 1.5, 1.5), seed: int = 0):
    """Return evidence of trials that answer all tasks, each as sharp as ``apart`` says."""
    random = np.random.default_rng(seed)
    labels, names = people(persons, random)
    stack = np.stack([joint_seen(labels, random, one) for one in apart])
    return Evidence(stack, labels, names, [TASKS] * len(apart))
