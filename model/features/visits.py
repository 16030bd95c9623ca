"""What a shopper did in the store of the request: sums over one history, for the items that are asked about.

An event whose store is not known is in no store, and a request without a store is in none: all is as of a store where
the shopper never was. Shape legend: H history events, C candidates of one request.
"""

from typing import Any, NamedTuple

import numpy as np

from model.data.catalog import MISSING
from model.kernels.compiler import kernel
from model.kernels.numbers import ONE, ZERO
from model.kernels.tables import UNKNOWN


class Here(NamedTuple):
    """Of one request. All float32."""

    trips_C: Any
    """Trips to this store that had the item."""
    visits_X: Any
    """[2] trips to this store, and purchases on them."""


@kernel
def here_sums(candidate_H, trip_H, bought_store_H, store, here):
    """Fills `here`."""
    last_C = np.zeros(len(here.trips_C), np.int32)  # number of the last trip here that had the item
    here.trips_C[:], here.visits_X[:] = ZERO, ZERO
    trip = np.int32(0)
    for h in range(len(candidate_H)):
        if store == MISSING or bought_store_H[h] != store:
            continue
        here.visits_X[1] += ONE
        if trip_H[h] != trip:
            trip = trip_H[h]
            here.visits_X[0] += ONE
        c = candidate_H[h]
        if c != UNKNOWN and last_C[c] != trip:
            last_C[c] = trip
            here.trips_C[c] += ONE
