"""Which pairs of one flat list are also in another. Shape legend: X pairs asked about, Y pairs to search."""

import numpy as np


def contains(row_X: np.ndarray, value_X: np.ndarray, row_Y: np.ndarray, value_Y: np.ndarray) -> np.ndarray:
    """[X] bool: whether each (row, value) of X is also in Y.

    Args:
        row_X, value_X: [X] int; row_Y, value_Y: [Y] int. All are from 0 to below 2^31.

    Example:
        >>> contains(np.array([0, 1]), np.array([7, 7]), np.array([1]), np.array([7])).tolist()
        [False, True]
    """
    return np.isin(_key(row_X, value_X), _key(row_Y, value_Y))


def _key(row_N: np.ndarray, value_N: np.ndarray) -> np.ndarray:
    return row_N.astype(np.int64) << 32 | value_N.astype(np.int64)
