"""What is bought together, as the catalog holds it.

Shape legend: I items, T tables, N their entries.
"""

from typing import NamedTuple, Self

import numpy as np


class Together(NamedTuple):
    """The nearest neighbours of each item by what is bought together: a table as of each of some moments.

    Example:
        Two items, of which the second often comes with the first, and not the reverse.

        >>> begin_TI = np.array([[0, 1, 1]])
        >>> together = Together(np.array([604_800]), begin_TI, np.array([1], np.int32), np.array([0.5], np.float32))
        >>> len(Together.none(2).near_N)
        0
    """

    moment_T: np.ndarray
    """[T] int64 unix seconds, ascending; a request reads the last table at or before its moment."""
    begin_TI: np.ndarray
    """[T, I + 1] int64 where each item's neighbours begin in the table; the last is where they end."""
    near_N: np.ndarray
    """[N] int32 item index, the nearest first."""
    similar_N: np.ndarray
    """[N] float32 above 0, at most 1."""

    @classmethod
    def none(cls, items: int) -> Self:
        return cls(
            np.zeros(1, np.int64), np.zeros((1, items + 1), np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
        )
