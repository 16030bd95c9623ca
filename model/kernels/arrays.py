"""Arrays as kernels take them. To Numba, one that is read-only, strided or of another number is another type, for which
all kernels would be compiled again: each argument has one type, whether it comes from a request, a file or a network.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def writable(array: Any, kind: DTypeLike) -> np.ndarray:
    """The array, or a copy where it is not of this kind, contiguous and writable.

    Example:
        >>> array = np.zeros(4, np.int32)
        >>> writable(array, np.int32) is array, writable(array[::2], np.int32).flags.contiguous
        (True, True)
    """
    if isinstance(array, np.ndarray) and array.dtype == kind and array.flags.carray:
        return array
    return np.require(array, kind, ["C", "A", "W"])


def read_only(array: Any, kind: DTypeLike) -> np.ndarray:
    """The same memory, read-only, where the array is of this kind and contiguous; else of a copy.

    Example:
        >>> read_only(np.zeros(4, np.int32), np.int32).flags.writeable
        False
    """
    view = np.require(array, kind, ["C", "A", "E"]).view()  # E: of a mapped file, the plain array
    view.flags.writeable = False
    return view
