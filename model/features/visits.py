"""What a shopper did in the store of the request, and what was paid: sums over one history, for the items asked about.

An event whose store is not known is in no store, and a request without a store is in none: all is as of a store where
the shopper never was. Shape legend: H history events, C candidates of one request.
"""

from typing import Any, NamedTuple

import numpy as np

from model.data.catalog import MISSING
from model.features.seen import NEVER_DAYS
from model.kernels.compiler import kernel
from model.kernels.numbers import ONE, ZERO
from model.kernels.tables import UNKNOWN


class Here(NamedTuple):
    """Of one request. All float32."""

    trips_C: Any
    """Trips to this store that had the item."""
    count_C: Any
    """Purchases of the item in this store."""
    last_C: Any
    """Days since the last one; NEVER_DAYS without one."""
    pieces_C: Any
    """Pieces of the item bought, in all stores."""
    paid_C: Any
    """Price paid per piece when the item was last bought, in any store; 0 where no price is known."""
    visits_X: Any
    """[3] trips to this store; days since the last one, NEVER_DAYS without one; purchases on them."""


@kernel
def here_sums(candidate_H, trip_H, age_H, bought_store_H, quantity_H, paid_H, store, here):
    """Fills `here`."""
    trip_C = np.zeros(len(here.count_C), np.int32)
    here.trips_C[:], here.count_C[:], here.pieces_C[:], here.paid_C[:] = ZERO, ZERO, ZERO, ZERO
    here.last_C[:] = NEVER_DAYS
    here.visits_X[0], here.visits_X[1], here.visits_X[2] = ZERO, NEVER_DAYS, ZERO
    trip = np.int32(0)
    for h in range(len(candidate_H)):
        c = candidate_H[h]
        if c != UNKNOWN:
            here.pieces_C[c] += quantity_H[h]
            if paid_H[h] > ZERO:
                here.paid_C[c] = paid_H[h]
        if store == MISSING or bought_store_H[h] != store:
            continue
        here.visits_X[2] += ONE
        here.visits_X[1] = min(here.visits_X[1], age_H[h])
        if trip_H[h] != trip:
            trip = trip_H[h]
            here.visits_X[0] += ONE
        if c != UNKNOWN:
            here.count_C[c] += ONE
            here.last_C[c] = min(here.last_C[c], age_H[h])
            if trip_C[c] != trip:
                trip_C[c] = trip
                here.trips_C[c] += ONE
