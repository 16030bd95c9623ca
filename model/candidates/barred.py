"""What a request may not list: its own exclusions, and what rules leave out. Both act before candidates are chosen, so
no rule can starve a list.

Shape legend: B requests, X exclusions, M masks, I items, Q items by popularity.
"""

from typing import NamedTuple

import numpy as np

from model.data.batch import Batch
from model.data.catalog import Catalog
from model.data.task import TaskKind

NEVER, ALWAYS, AGAIN = (np.uint8(value) for value in range(3))
"""An item is listed never, always, or only to those who bought it before."""


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


class Barred(NamedTuple):
    """What must not be listed.

    Example:
        Item 7 for the first request, 4 and 5 for the second; then nothing for two requests.

        >>> barred = Barred(np.array([7, 4, 5], np.int32), np.array([1, 3]))
        >>> Barred.none(2).end_B.tolist()
        [0, 0]
    """

    item_X: np.ndarray
    """[X] int32 item index, those of the first request first; UNKNOWN is ignored."""
    end_B: np.ndarray
    """[B] int64 where each request's items end."""
    allowed: Allowed = Allowed.everything()

    @classmethod
    def none(cls, requests: int) -> "Barred":
        return cls(np.zeros(0, np.int32), np.zeros(requests, np.int64))

    @classmethod
    def histories(cls, batch: Batch, barred_B: np.ndarray) -> "Barred":
        """What the shoppers of some requests bought before. barred_B: [B] bool."""
        barred_H = barred_B[batch.history_row_H]
        counts_B = np.bincount(batch.history_row_H[barred_H], minlength=len(barred_B))
        return cls(batch.history_item_H[barred_H], np.cumsum(counts_B))

    @classmethod
    def by_task(cls, task: TaskKind, batch: Batch) -> "Barred":
        """What the task leaves out: the histories, or nothing."""
        return cls.histories(batch, np.full(len(batch.time_B), task.new_only))


def by_popularity(catalog: Catalog) -> np.ndarray:
    """[I] int32 all items: by purchases of the last week, then of all time, then as in the catalog, so that what was
    never bought comes last."""
    return np.lexsort((-catalog.decayed_WI[-1], -catalog.recent_WI[-1])).astype(np.int32)
