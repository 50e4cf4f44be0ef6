"""Which images are of one person? Groups of at most seven, from what networks see in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from trainable.labels import MASK_OF_IMAGE

Features = NDArray[np.floating[Any]]
Groups = NDArray[np.integer[Any]]
"""The number of each image's group (N,)."""
IMAGES_EACH = len(MASK_OF_IMAGE)
DIRECTIONS = 256
"""Of the features of all networks: those in which images differ most, on one scale."""
IMAGES_A_DIRECTION = 4
"""At least: whitened in as many directions as there are images, all are equally far apart."""
NEIGHBOURS = 30
"""Nearest images of each image that may be of its person."""


def found_groups(features: Sequence[Features]) -> Groups:
    """Return groups (N,) of images by the features (N, D) that networks have of them, of length 1.

    The most similar images come together first, and two groups join while they have no more than
    seven images: single linkage with a capacity. Whitened, because a network that tells masks apart
    sees little else (Jegou & Chum 2012, https://doi.org/10.1007/978-3-642-33709-3_55).
    """
    joined = np.concatenate(list(features), axis=1)
    if len(joined) == 1:
        return np.zeros(1, np.int64)
    room = max(1, len(joined) // IMAGES_A_DIRECTION)
    directions = min(DIRECTIONS, joined.shape[1], room)
    points = PCA(directions, whiten=True, random_state=0).fit_transform(joined)
    count = min(NEIGHBOURS, len(points) - 1)
    near = NearestNeighbors(n_neighbors=count, metric="cosine").fit(points)
    distances, others = near.kneighbors()
    groups = [[image] for image in range(len(points))]
    for pair in np.argsort(distances, axis=None, kind="stable"):
        image, place = divmod(int(pair), count)
        _join(groups, image, int(others[image, place]))
    first = np.array([group[0] for group in groups])
    return np.unique(first, return_inverse=True)[1]


def share_of_right_pairs(groups: Groups, persons: NDArray[Any]) -> float:
    """Return how many of the pairs in a group are of one person, by the true ``persons`` (N,)."""
    codes = np.unique(persons, return_inverse=True)[1]
    found = _pairs(groups)
    return _pairs(groups * (int(codes.max()) + 1) + codes) / found if found else 1.0


def _pairs(groups: Groups) -> float:
    sizes = np.unique(groups, return_counts=True)[1]
    return float((sizes * (sizes - 1) / 2).sum())


def _join(groups: list[list[int]], image: int, other: int) -> None:
    """Let the groups of two images become one, if it has room; each image points to its group."""
    mine, theirs = groups[image], groups[other]
    if mine is theirs or len(mine) + len(theirs) > IMAGES_EACH:
        return
    mine.extend(theirs)
    for moved in theirs:
        groups[moved] = mine
