"""How are predictions of many images stored? Arrays beside the rows that they belong to."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainable.files import write_bytes
from trainable.locations import Location
from trainable.stored import read_bytes, reading


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


def write_arrays(path: Location, arrays: Probabilities | Embeddings) -> None:
    """Store arrays at once or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, rows=arrays.rows, values=arrays.values)
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Location) -> tuple[NDArray[np.int32], NDArray[np.float16]]:
    """Return the rows and values of stored arrays; UnreadableFileError where they are damaged."""
    with reading(path):
        return _unpacked(read_bytes(path))


def _unpacked(content: bytes) -> tuple[NDArray[np.int32], NDArray[np.float16]]:
    """Return what ``write_arrays`` packed; takes no more memory than the file, and runs nothing."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
            raise ValueError("it is compressed, as nothing is that was written here")
    try:
        arrays = np.load(io.BytesIO(content), allow_pickle=False)
        rows, values = arrays["rows"], arrays["values"]
    except (MemoryError, RecursionError):
        raise ValueError("its arrays are larger than the file") from None
    if rows.dtype.kind not in "iu" or values.dtype.kind != "f" or values.shape[:1] != rows.shape:
        raise ValueError("its arrays are no rows and numbers")
    return rows, values
