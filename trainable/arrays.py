"""How are predictions of many images stored? Arrays beside the rows that they belong to."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainable.files import atomic_file, reading


@dataclass(frozen=True)
class Probabilities:
    """Predictions of some images: ``rows`` (N,) of the table, ``values`` (N, 18) float16."""

    rows: NDArray[np.int32]
    values: NDArray[np.float16]


@dataclass(frozen=True)
class Embeddings:
    """Features of some images: ``rows`` (N,) of the table, ``values`` (N, F) float16.

    Each row of ``values`` has length 1, so that their products are cosine similarities.
    """

    rows: NDArray[np.int32]
    values: NDArray[np.float16]


def write_arrays(path: Path, arrays: Probabilities | Embeddings) -> None:
    """Store arrays at once or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, rows=arrays.rows, values=arrays.values)
    with atomic_file(path) as file:
        file.write(buffer.getvalue())


def read_arrays(path: Path) -> tuple[NDArray[np.int32], NDArray[np.float16]]:
    """Return the rows and values of stored arrays; UnreadableFileError where they are damaged."""
    with reading(path):
        arrays = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        return arrays["rows"], arrays["values"]
