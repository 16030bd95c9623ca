"""What the sequence tower learns from: stretches of a shopper's purchases, and after each purchase the next one.

Shape legend: E events before a moment, W windows, B windows of a batch, H their events, R recent events, N purchases
to predict.
"""

import numpy as np

from model.api import RECENT_EVENTS
from model.data.batch import Batch, TripReader
from model.data.catalog import Catalog
from model.data.trips import slice_positions
from model.features.recent import RecentEvents


class NextPurchases:
    """Windows that together hold every purchase of the span once, as what comes after those before it.

    What the shopper bought before is not to be predicted: it is a candidate anyway. Purchases of the same second have
    no order; they get one by chance.
    """

    def __init__(self, reader: TripReader, catalog: Catalog, begin_s: int, end_s: int, seed: int) -> None:
        """begin_s, end_s: the span of what is predicted, unix seconds; the end is not in it."""
        trips = reader.trips
        kept_E = np.flatnonzero(trips.kept_events(end_s))
        item_E, time_E, user_E = (a[kept_E] for a in (trips.event_item_E, trips.event_time_E, trips.event_user_E))
        order_E = np.lexsort((np.random.default_rng(seed).random(len(item_E)), time_E, user_E))
        self._item_E, self._time_E, self._user_E = item_E[order_E], time_E, user_E
        pair_E = self._user_E.astype(np.int64) * len(trips.item_ids) + self._item_E
        self._wanted_E = np.zeros(len(pair_E), bool)
        self._wanted_E[np.unique(pair_E, return_index=True)[1]] = True
        self._wanted_E &= time_E >= begin_s
        self._begin_W, self._end_W = self._windows(begin_s)
        self._recent = RecentEvents(catalog)
        self._user_UD = catalog.user_attribute_UD[catalog.user_rows(trips.user_ids)]

    def __len__(self) -> int:
        return len(self._begin_W)

    def _windows(self, begin_s: int) -> tuple[np.ndarray, np.ndarray]:
        """([W], [W]) positions of the first event and of the last, which is only predicted; counted from the last."""
        starts = np.flatnonzero(np.diff(self._user_E, prepend=-1))
        ends = np.append(starts[1:], len(self._user_E))[: len(starts)]
        counts = -(-np.maximum(ends - starts - 1, 0) // RECENT_EVENTS)
        user_W, back_W = np.repeat(np.arange(len(starts)), counts), slice_positions(0 * counts, counts)[0]
        last_W = ends[user_W] - 1 - back_W * RECENT_EVENTS
        first_W = np.maximum(last_W - RECENT_EVENTS, starts[user_W])
        wanted = np.concatenate([[0], np.cumsum(self._wanted_E)])
        some_W = wanted[last_W + 1] > wanted[first_W + 1]
        return first_W[some_W], last_W[some_W]

    def __call__(self, rows: np.ndarray, epoch: int) -> dict[str, np.ndarray]:
        """The fields of Recent, [N] item index and [N] which of the [B * R] places each comes after."""
        first_B, last_B = self._begin_W[rows], self._end_W[rows]
        at_H, row_H = slice_positions(first_B, last_B)
        user_B = self._user_E[last_B]
        batch = Batch(
            history_item_H=self._item_E[at_H],
            history_time_H=self._time_E[at_H],
            history_row_H=row_H,
            time_B=self._time_E[last_B],
            store_B=np.zeros(len(rows), np.int32),
            user_BD=self._user_UD[user_B],
        )
        place_H = (row_H + 1) * RECENT_EVENTS - (last_B[row_H] - at_H)
        wanted_H = self._wanted_E[at_H + 1]
        return self._recent(batch)._asdict() | {
            "item_N": self._item_E[at_H[wanted_H] + 1],
            "row_N": place_H[wanted_H].astype(np.int32),
        }
