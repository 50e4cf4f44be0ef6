"""Which images look the same though they should not: of two persons, or the same file twice?"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from analysis.data.photos import Photos

LOOK_WIDTH, LOOK_HEIGHT = 12, 16
"""Pixels of the thumbnails that are compared."""
ALIKE = 0.97
"""Correlation from which two images are near-identical.

Measured on 700 photographed persons: the most alike images of two persons reach 0.951 (of drawn
ones 0.945), while copies of an image that are compressed to JPEG quality 20, blurred, noisy,
darker, tinted or cropped by 2 pixels of 96 stay above it, 99 in 100. Difference hashes do not tell
the two apart: persons in the same mask came as near as 12 of 256 bits.
"""

Rows = NDArray[np.int64]
Looks = NDArray[np.float32]


@dataclass(frozen=True)
class Alike:
    """Two persons with near-identical images: the most alike ones, and how many pairs there are.

    ``second`` may be an eval image, whose person is unknown.
    """

    first: str
    second: str
    likeness: float
    pairs: int


def near_identical(photos: Photos) -> list[Alike]:
    """Return near-identical training images of different persons, or of a person and eval.

    Images of one person are left out, as are identical files (``identical_files`` has those) and
    pairs of eval images, whose persons are unknown.
    """
    seen = looks(photos.pixels)
    first, second = _neighbours(seen, photos.training)
    others = photos.owners[first] < photos.owners[second]
    others &= photos.digests[first] != photos.digests[second]
    first, second = first[others], second[others]
    likeness = (seen[first] * seen[second]).sum(axis=1)
    most = np.argsort(-likeness, kind="stable")
    return _by_persons(photos, first[most], second[most], likeness[most])


def identical_files(photos: Photos) -> list[list[str]]:
    """Return the groups of images, training and eval, whose files are the same bytes."""
    _, group, sizes = np.unique(photos.digests, return_inverse=True, return_counts=True)
    return [photos.names[group == number].tolist() for number in np.flatnonzero(sizes > 1)]


def looks(pixels: Sequence[NDArray[np.uint8]]) -> Looks:
    """Return vectors (N, 576) of length 1 whose products are the correlation of two images.

    Each channel of a thumbnail is standardised first, so brightness and tint do not count. An
    image with a channel of one value only is all zeros: it is like no other.
    """
    size = (LOOK_WIDTH, LOOK_HEIGHT)
    small = np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in pixels])
    centred = small - small.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    lengths = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    varied = (lengths > 0).all(axis=-1, keepdims=True)
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=varied)
    return unit.reshape(len(unit), -1) / np.sqrt(np.float32(3))


def _neighbours(seen: Looks, training: int) -> tuple[Rows, Rows]:
    """Return (training image, any image) of all pairs that are alike, in both orders."""
    known = np.flatnonzero(seen.any(axis=1))
    asked = known[known < training]
    if not len(asked):
        return asked, asked
    # Between vectors of length 1 the squared distance is twice what the correlation lacks of 1.
    search = NearestNeighbors(radius=float(np.sqrt(2 * (1 - ALIKE))), algorithm="brute")
    found = search.fit(seen[known]).radius_neighbors(seen[asked], return_distance=False)
    return np.repeat(asked, [len(near) for near in found]), known[np.concatenate(found)]


def _by_persons(photos: Photos, first: Rows, second: Rows, likeness: Looks) -> list[Alike]:
    """Join the pairs, most alike first, that are of the same two owners."""
    owners = np.stack([photos.owners[first], photos.owners[second]], axis=1)
    _, best, pairs = np.unique(owners, axis=0, return_index=True, return_counts=True)
    return [
        Alike(
            first=str(photos.names[first[row]]),
            second=str(photos.names[second[row]]),
            likeness=float(likeness[row]),
            pairs=int(pairs[number]),
        )
        for number, row in sorted(enumerate(best), key=lambda found: found[1])
    ]
