"""Which images of a data folder can be looked at, and whose are they?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainable.dataset import FaceData


@dataclass(frozen=True)
class Photos:
    """The readable images of a data folder, training first, then eval.

    ``names`` (N,) are paths below its root; ``owners`` (N,) numbers the persons, each eval image
    being an owner of its own; ``digests`` (N,) are of the files; ``pixels`` N times (H, W, 3).
    """

    names: NDArray[np.str_]
    owners: NDArray[np.int64]
    digests: NDArray[np.bytes_]
    pixels: list[NDArray[np.uint8]]
    training: int


def readable_photos(data: FaceData) -> Photos:
    """Return the images of a data folder without those that cannot be read."""
    parts = ((data.images, data.cache), (data.eval_images, data.eval_cache))
    rows = [np.delete(np.arange(len(images)), list(cache.unreadable)) for images, cache in parts]
    names = [
        images["image"].to_numpy(str)[kept] for (images, _), kept in zip(parts, rows, strict=True)
    ]
    digests = [cache.digests[kept] for (_, cache), kept in zip(parts, rows, strict=True)]
    persons = np.unique(data.images["person"].to_numpy(str)[rows[0]], return_inverse=True)[1]
    return Photos(
        names=np.concatenate(names),
        owners=np.concatenate([persons, len(persons) + np.arange(len(rows[1]))]),
        digests=np.concatenate(digests),
        pixels=[
            cache.pixels[row] for (_, cache), kept in zip(parts, rows, strict=True) for row in kept
        ],
        training=len(persons),
    )
