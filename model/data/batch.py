"""What kernels read: a batch of requests with flat histories, the same in training, evaluation and serving.

Shape legend: B requests, H history events of all requests together, D shopper attributes.
"""

from typing import Any, NamedTuple

import numpy as np

from model.data.catalog import Catalog
from model.data.trips import Trips, slice_positions


class Batch(NamedTuple):
    """NumPy arrays. Indices are those of the Catalog.

    Example:
        `trips` and `catalog` are those of the examples of Trips and Catalog.

        >>> batch = TripReader(trips, catalog).batch(np.array([0, 1]))
        >>> batch.history_item_H[batch.history_row_H == 1].tolist()  # the history of the second request
        [1]
    """

    history_item_H: Any
    """[H] int32 item index, oldest first within a request."""
    history_time_H: Any
    """[H] int64 unix seconds, before the request's time."""
    history_row_H: Any
    """[H] int32 which request, ascending."""
    time_B: Any
    """[B] int64 unix seconds."""
    store_B: Any
    """[B] int32."""
    user_BD: Any
    """[B, D] int32 the codes of the shopper's attributes."""
    history_store_H: Any = None
    """[H] int32 where it was bought, MISSING where that is not known; None: nowhere known."""
    history_quantity_H: Any = None
    """[H] float32 pieces; None: one each."""
    history_price_H: Any = None
    """[H] float32 paid per piece, 0 where not known; None: nowhere known."""
    user_B: Any = None
    """[B] int32 1 + the shopper's row in Trips.user_ids, 0 of a stranger; None: all are. Only baselines that compare
    shoppers read it, which no model directory holds."""


def ends(row_N: np.ndarray, requests: int) -> np.ndarray:
    """[B] int64 where the entries of each request end, from their rows, ascending."""
    return row_N.searchsorted(np.arange(requests), side="right") if requests > 1 else np.full(requests, len(row_N))


def rows_of(end_B: np.ndarray) -> np.ndarray:
    """[N] which request each entry is of, from where they end."""
    return np.repeat(np.arange(len(end_B)), lengths(end_B))


def lengths(end_B: np.ndarray) -> np.ndarray:
    """[B] how many there are of each request, from where they end."""
    length_B = end_B.copy()
    length_B[1:] -= end_B[:-1]
    return length_B


class TripReader:
    """Cuts batches of requests out of Trips by index arithmetic alone.

    Example:
        `trips` and `catalog` are those of the examples of Trips and Catalog.

        >>> reader = TripReader(trips, catalog)
        >>> reader.batch(np.array([1])).history_item_H.tolist()  # ann bought milk, item 1, before
        [1]
        >>> reader.baskets(np.array([1]))[0].tolist()
        [0, 1]
    """

    def __init__(self, trips: Trips, catalog: Catalog) -> None:
        self.trips = trips
        self.user_row_U = catalog.user_rows(trips.user_ids)
        """[U] int32 row of each shopper in the catalog's attributes."""
        self._user_UD = catalog.user_attribute_UD[self.user_row_U]

    def batch(self, which_B: np.ndarray) -> Batch:
        """The requests of the given trips, in that order."""
        trips = self.trips
        position_H, row_H = trips.histories(which_B)
        return Batch(
            history_item_H=trips.event_item_E[position_H],
            history_time_H=trips.event_time_E[position_H],
            history_row_H=row_H,
            time_B=trips.time_T[which_B],
            store_B=trips.store_T[which_B],
            user_BD=self._user_UD[trips.user_T[which_B]],
            history_store_H=trips.event_store_E[position_H],
            history_quantity_H=trips.event_quantity_E[position_H],
            history_price_H=trips.event_price_E[position_H],
            user_B=trips.user_T[which_B] + np.int32(1),
        )

    def baskets(self, which_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(item, row): [L] int32 each, the distinct items bought on each of the given trips."""
        position_L, row_L = slice_positions(self.trips.basket_begin_T[which_B], self.trips.basket_end_T[which_B])
        return self.trips.basket_item_B[position_L], row_L
