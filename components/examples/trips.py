"""Trips as of their own moment: history strictly before, basket as the label, one stable order.

Shape legend: E events, T trips, B basket entries.
"""

import numpy as np
import pandas as pd

from model import columns as c
from model.trips import Trips

_SECONDS = 1 << 34  # above any unix time: (user, time) pairs pack into one sortable int64


def build_trips(events: pd.DataFrame, item_ids: np.ndarray, cut_s: int, max_history: int) -> Trips:
    """Builds all trips from purchases in any row order; the result does not depend on that order.

    Args:
        events: one row a product in a basket, canonical columns; not changed.
        item_ids: [I] sorted ids, every item of the events among them.
        cut_s: start of the test span, unix seconds.
        max_history: most recent events kept of each history.
    """
    user_ids, user_E = np.unique(events[c.USER].to_numpy(str), return_inverse=True)
    store_ids, store_E = _stores(events[c.STORE].to_numpy(str))
    item_E = np.searchsorted(item_ids.astype(str), events[c.ITEM].to_numpy(str))
    time_E = events[c.TIME].to_numpy("datetime64[s]").astype(np.int64)
    basket_E = np.unique(events[c.BASKET].to_numpy(str), return_inverse=True)[1]

    order = np.lexsort((item_E, basket_E, time_E, user_E))
    user_E, store_E, item_E, time_E, basket_E = (a[order] for a in (user_E, store_E, item_E, time_E, basket_E))

    # One trip for each (user, basket); the first event in time order gives its moment and its store.
    pair_E = user_E.astype(np.int64) * (int(basket_E.max()) + 1) + basket_E
    _, first_T, trip_E = np.unique(pair_E, return_index=True, return_inverse=True)
    by_time = np.lexsort((basket_E[first_T], user_E[first_T], time_E[first_T]))
    place_T = np.empty_like(by_time)
    place_T[by_time] = np.arange(len(by_time))
    trip_E, first_T = place_T[trip_E], first_T[by_time]
    user_T, time_T = user_E[first_T], time_E[first_T]

    moment_E = user_E.astype(np.int64) * _SECONDS + time_E
    end_T = np.searchsorted(moment_E, user_T.astype(np.int64) * _SECONDS + time_T, side="left")
    user_begin_T = np.searchsorted(user_E, user_T, side="left")

    entries = np.unique(trip_E.astype(np.int64) * len(item_ids) + item_E)
    entry_trip = entries // len(item_ids)
    return Trips(
        item_ids=item_ids,
        user_ids=user_ids.astype(object),
        store_ids=store_ids.astype(object),
        event_item_E=item_E.astype(np.int32),
        event_time_E=time_E,
        event_user_E=user_E.astype(np.int32),
        user_T=user_T.astype(np.int32),
        time_T=time_T,
        store_T=store_E[first_T].astype(np.int32),
        history_begin_T=np.maximum(user_begin_T, end_T - max_history),
        history_end_T=end_T,
        basket_begin_T=np.searchsorted(entry_trip, np.arange(len(first_T)), side="left"),
        basket_end_T=np.searchsorted(entry_trip, np.arange(len(first_T)), side="right"),
        basket_item_B=(entries % len(item_ids)).astype(np.int32),
        cut_s=cut_s,
    )


def _stores(store_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Store ids with the empty id (unknown) always at index 0, and the index of each event's store."""
    ids = np.union1d(store_E, np.array([""]))
    return ids, np.searchsorted(ids, store_E)
