"""What of the catalog a request may list, before candidates are chosen: so no rule can starve a list.

Shape legend: B requests, M masks, I items, Q items by popularity.
"""

from typing import NamedTuple

import numpy as np

from model.data.catalog import Catalog

NEVER, ALWAYS, AGAIN = (np.uint8(value) for value in range(3))
"""An item is listed to nobody, to everybody, to those who bought it before."""


class Allowed(NamedTuple):
    """Which mask holds for each request.

    Example:
        >>> Allowed.everything().mask_B.tolist()
        []
    """

    mask_B: np.ndarray
    """[B] int32 row of the others, -1 where everything may be listed; empty: so for all requests."""
    may_MI: np.ndarray
    """[M, I] uint8 NEVER, ALWAYS or AGAIN."""
    popular_MQ: np.ndarray
    """[M, Q] int32 the most popular of those that are ALWAYS listed, best first, UNKNOWN where there are no more."""

    @classmethod
    def everything(cls) -> "Allowed":
        return cls(np.zeros(0, np.int32), np.zeros((1, 0), np.uint8), np.zeros((1, 0), np.int32))


def by_popularity(catalog: Catalog) -> np.ndarray:
    """[I] int32 all items: by purchases of the last week, then of all time, then as in the catalog, so that what was
    never bought comes last."""
    return np.lexsort((-catalog.decayed_WI[-1], -catalog.recent_WI[-1])).astype(np.int32)
