"""Arrays in files without a name: the system reads what is used, and takes the memory back when it is short."""

import tempfile
from collections.abc import Iterable

import numpy as np


def on_disk(rows: Iterable[np.ndarray], kind: np.dtype, width: tuple[int, ...] = ()) -> np.ndarray:
    """[n, *width] the parts of an array one after the other; the file is gone with the array, as are changes to it.

    Args:
        rows: [m, *width] each, written as they come.

    Example:
        >>> on_disk([np.array([1, 2]), np.array([3])], np.dtype(np.int32)).tolist()
        [1, 2, 3]
    """
    with tempfile.TemporaryFile(prefix="aisle-array-") as file:
        for part in rows:
            part.astype(kind, copy=False).tofile(file)
        file.flush()
        size = file.tell() // (kind.itemsize * int(np.prod(width, dtype=int)))
        # An empty file cannot be mapped.
        return np.asarray(np.memmap(file, kind, "c", shape=(size, *width))) if size else np.zeros((0, *width), kind)
