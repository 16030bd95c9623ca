"""Shoppers, the trips that they made after the cut, and what they had bought before a moment.

Shape legend: E events, T trips, U shoppers, H history events.
"""

from dataclasses import dataclass

import numpy as np

from model.data.trips import Trips

NEW_SHOPPER = "somebody-new"
"""An id that no data is expected to hold."""
MOMENTS = 40
"""Trips offered of a shopper, the first after the cut."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A shopper who shows something. `kind`: heavy, usual, light or new."""

    kind: str
    user_id: str
    purchases: int


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The beginning of a trip after the cut. `bought`: the trip's item ids, which no model has seen."""

    time_s: int
    store_id: str
    bought: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Past:
    """What a shopper had bought before a moment, oldest first."""

    items: tuple[str, ...]
    times: tuple[int, ...]
    stores: tuple[str, ...] = ()
    quantities: tuple[float, ...] = ()
    prices: tuple[float, ...] = ()
    """Paid per piece, 0 where it is not known."""
    attributes: tuple[tuple[str, str], ...] = ()


class Shoppers:
    """Everybody in the trips."""

    def __init__(self, trips: Trips, max_history: int) -> None:
        self.trips = trips
        self._max_history = max_history
        self._row = {str(user): row for row, user in enumerate(trips.user_ids)}
        self._begin_U = np.searchsorted(trips.event_user_E, np.arange(len(trips.user_ids) + 1))
        test = trips.test_trips()
        self._test = test[np.argsort(trips.user_T[test], kind="stable")]
        before = trips.event_user_E[trips.event_time_E < trips.cut_s]
        self._before_U = np.bincount(before, minlength=len(trips.user_ids))

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._row

    def __len__(self) -> int:
        return len(self._row)

    def examples(self) -> list[Example]:
        """Who bought most before the cut, a usual shopper, who bought least, and a new shopper.

        Only shoppers who bought before the cut and come again after it.
        """
        rows = np.unique(self.trips.user_T[self._test])
        rows = rows[self._before_U[rows] > 0]
        rows = rows[np.argsort(self._before_U[rows], kind="stable")]
        places = {"heavy": len(rows) - 1, "usual": len(rows) // 2, "light": 0} if len(rows) else {}
        examples = [
            Example(kind=kind, user_id=str(self.trips.user_ids[rows[n]]), purchases=int(self._before_U[rows[n]]))
            for kind, n in places.items()
        ]
        return [*examples, Example(kind="new", user_id=NEW_SHOPPER, purchases=0)]

    def matching(self, text: str, limit: int = 12) -> list[str]:
        """Ids that begin with the text, in order; an id that is the text itself comes first."""
        return sorted((user for user in self._row if user.startswith(text)), key=lambda user: (len(user), user))[:limit]

    def moments(self, user_id: str) -> list[Moment]:
        """The shopper's first trips after the cut, in order of time."""
        row = self._row.get(user_id)
        if row is None:
            return []
        return [self._moment(int(trip)) for trip in self._test[self.trips.user_T[self._test] == row][:MOMENTS]]

    def past(self, user_id: str, time_s: int) -> Past:
        """Purchases strictly before the moment, at most `max_history`, less those returned strictly before it."""
        row, trips = self._row.get(user_id), self.trips
        if row is None:
            return Past(items=(), times=())
        begin, end = self._begin_U[row : row + 2]
        at_H = begin + np.flatnonzero(trips.event_time_E[begin:end] < time_s)[-self._max_history :]
        at_H = at_H[trips.kept_events(time_s)[at_H]]
        return Past(
            items=tuple(trips.item_ids[trips.event_item_E[at_H]].tolist()),
            times=tuple(trips.event_time_E[at_H].tolist()),
            stores=tuple(trips.store_ids[trips.event_store_E[at_H]].tolist()),
            quantities=tuple(trips.event_quantity_E[at_H].tolist()),
            prices=tuple(trips.event_price_E[at_H].tolist()),
            attributes=trips.attributes(row),
        )

    def stores(self, user_id: str) -> list[str]:
        """Where the shopper has been, most trips first."""
        row = self._row.get(user_id)
        if row is None:
            return []
        stores, trips = np.unique(self.trips.store_T[self.trips.user_T == row], return_counts=True)
        ids = self.trips.store_ids[stores[np.argsort(-trips, kind="stable")]]
        return [str(store) for store in ids if store]

    def _moment(self, trip: int) -> Moment:
        trips = self.trips
        return Moment(
            time_s=int(trips.time_T[trip]),
            store_id=str(trips.store_ids[trips.store_T[trip]]),
            bought=tuple(trips.item_ids[trips.basket(trip)].tolist()),
        )
