"""A world of a few purchases, small enough for hand-computed expected values."""

from collections.abc import Sequence

import numpy as np

from model.data.trips import Trips
from tests.worlds import seconds

CUT_DAY = 100


def trips_of(*trips: tuple[str, float, str], letters: str = "abcdefgh", stores: Sequence[str] = ("",)) -> Trips:
    """From (shopper, day, "item item ..."), items single letters; the cut is on day 100, the store the last one."""
    trips = tuple(sorted(trips, key=lambda trip: (trip[1], trip[0])))
    users, items = (np.array(sorted(set(names)), dtype=object) for names in ([t[0] for t in trips], letters))
    user, item = ({name: i for i, name in enumerate(names.tolist())} for names in (users, items))
    events = np.array(sorted((user[u], seconds(day), item[i]) for u, day, basket in trips for i in basket.split()))
    user_T = np.array([user[u] for u, _, _ in trips], np.int32)
    time_T = np.array([seconds(day) for _, day, _ in trips])
    lengths = [len(basket.split()) for _, _, basket in trips]
    ends = np.cumsum(lengths)
    return Trips(
        item_ids=items,
        user_ids=users,
        store_ids=np.array(stores, dtype=object),
        event_item_E=events[:, 2].astype(np.int32),
        event_time_E=events[:, 1],
        event_user_E=events[:, 0].astype(np.int32),
        user_T=user_T,
        time_T=time_T,
        store_T=np.full(len(trips), len(stores) - 1, np.int32),
        history_begin_T=np.searchsorted(events[:, 0], user_T),
        history_end_T=np.array(
            [
                np.flatnonzero((events[:, 0] < u) | ((events[:, 0] == u) & (events[:, 1] < t))).size
                for u, t in zip(user_T, time_T, strict=True)
            ]
        ),
        basket_begin_T=ends - lengths,
        basket_end_T=ends,
        basket_item_B=np.array([item[i] for _, _, basket in trips for i in basket.split()], np.int32),
        cut_s=seconds(CUT_DAY),
    )


WORLD = trips_of(("u", 10, "a b"), ("u", 98, "a c"), ("v", 20, "a b"), ("w", 50, "a"), ("u", 101, "h"), ("v", 100, "h"))
"""Before the cut: a four times, b twice, c once; h only on the day of the cut and later."""
