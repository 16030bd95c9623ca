"""Scores by what similar shoppers bought: UP-CF, TIFU-KNN. The same code makes the vectors of all shoppers: those of
the past, which are stored, and that of the asking shopper.

Shape legend: B requests, H history events, U shoppers of the past, I items, N distinct (shopper, item) pairs of the
past, P distinct items of one shopper's history.
"""

from functools import partial
from typing import Any, Self

import numpy as np

from model.baselines.whole_catalog import best, each_history
from model.data.batch import Batch
from model.data.trip_numbers import trip_numbers
from model.data.trips import slice_positions

_LAST = np.finfo(np.float32).min
"""A similarity below all others."""


class ShopperScorer:
    """Holds the past as a sparse [U, I] matrix. A request's `user_B` is 1 + its shopper's row there, or 0."""

    def __init__(
        self,
        item_N: np.ndarray,
        shopper_N: np.ndarray,
        value_N: np.ndarray,
        items: int,
        shoppers: int,
        trip_gap_hours: float,
    ) -> None:
        """item_N: int32, ascending; shopper_N: int32; value_N: float32: an entry for each item a shopper bought."""
        self.item_N, self.shopper_N, self.value_N = item_N, shopper_N, value_N
        self.items, self.shoppers, self.trip_gap_hours = items, shoppers, trip_gap_hours
        self._row_N = shopper_N.astype(np.intp)
        self._end_I = np.searchsorted(item_N, np.arange(items), side="right")
        self._begin_I = np.concatenate([[0], self._end_I[:-1]])
        self._bought = np.flatnonzero(self._end_I > self._begin_I)

    @classmethod
    def of(cls, past: Batch, items: int, **parameters: Any) -> Self:
        """From the histories of all shoppers as of the cut.

        Args:
            parameters: what the class's constructor takes besides the matrix and its size.
        """
        shoppers = len(past.time_B)
        holding = partial(cls, items=items, shoppers=shoppers, **parameters)
        empty_N = np.zeros(0, np.int32)
        nothing = holding(item_N=empty_N, shopper_N=empty_N, value_N=np.zeros(0, np.float32))
        key_H = past.history_item_H.astype(np.int64) * shoppers + past.history_row_H
        key_N, pair_H = np.unique(key_H, return_inverse=True)
        item_N, shopper_N = (part.astype(np.int32) for part in np.divmod(key_N, shoppers))
        value_N = np.bincount(pair_H, nothing.weight(past), len(key_N)).astype(np.float32)
        return holding(item_N=item_N, shopper_N=shopper_N, value_N=value_N)

    def weight(self, batch: Batch) -> np.ndarray:
        """[H] float32: what each event adds to its shopper's vector."""
        row_H = batch.history_row_H
        trip_H, trips_B = trip_numbers(row_H, batch.history_time_H, len(batch.time_B), self.trip_gap_hours)
        return self.weight_of_trip(trip_H, trips_B[row_H]).astype(np.float32)

    def weight_of_trip(self, trip_H: np.ndarray, trips_H: np.ndarray) -> np.ndarray:
        """The same, of an event on trip `trip_H` (from 1) out of `trips_H`."""
        raise NotImplementedError

    def __call__(self, batch: Batch) -> np.ndarray:
        """As CatalogScorer."""
        weight_H = self.weight(batch)
        score_BI = np.empty((len(batch.time_B), self.items), np.float32)
        for row, events in each_history(batch):
            item_H, user = batch.history_item_H[events], 0 if batch.user_B is None else int(batch.user_B[row])
            own_I = np.bincount(item_H, weight_H[events], self.items).astype(np.float32)
            score_BI[row] = self.score(own_I, np.unique(item_H), user - 1 if 0 < user <= self.shoppers else None)
        return score_BI

    def score(self, own_I: np.ndarray, item_P: np.ndarray, row: int | None) -> np.ndarray:
        """[I]: the score of every item.

        Args:
            own_I: the asking shopper's vector. item_P: the items bought. row: the shopper's own in the past, if any.
        """
        raise NotImplementedError

    def buyers(self, item_P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(position, which): where in the past each of these items was bought, and which of them it is."""
        return slice_positions(self._begin_I[item_P], self._end_I[item_P])

    def from_shoppers(self, weight_U: np.ndarray) -> np.ndarray:
        """[I] float32: the vectors of the past, summed with these weights."""
        sum_I = np.zeros(self.items, np.float32)
        if len(self._bought):
            value_N = np.take(weight_U.astype(np.float32), self._row_N)
            value_N *= self.value_N
            sum_I[self._bought] = np.add.reduceat(value_N, self._begin_I[self._bought])
        return sum_I


class UpCf(ShopperScorer):
    """UP-CF: the share of the last `recent` baskets that had the item, of the shopper and of similar ones.

    Faggioli, Polato and Aiolli, "Recency Aware Collaborative Filtering for Next Basket Recommendation" (UMAP 2020):
    a neighbour counts |I_u & I_v|^locality / (|I_u|^asymmetry |I_v|^(1 - asymmetry))^locality, over the sets of items
    ever bought.
    """

    def __init__(self, *, recent: int, locality: float, asymmetry: float, **past: Any) -> None:
        """past: as ShopperScorer."""
        self.recent, self.locality, self.asymmetry = recent, locality, asymmetry
        super().__init__(**past)
        self._size_U = np.maximum(np.bincount(self.shopper_N, minlength=self.shoppers), 1).astype(np.float64)

    def weight_of_trip(self, trip_H: np.ndarray, trips_H: np.ndarray) -> np.ndarray:
        """As ShopperScorer."""
        return np.where(trip_H > trips_H - self.recent, 1.0 / np.minimum(trips_H, self.recent), 0.0)

    def score(self, own_I: np.ndarray, item_P: np.ndarray, row: int | None) -> np.ndarray:
        """As ShopperScorer."""
        position, _ = self.buyers(item_P)
        both_U = np.bincount(self._row_N[position], minlength=self.shoppers)
        size = max(len(item_P), 1) ** self.asymmetry
        near_U = (both_U / (size * self._size_U ** (1.0 - self.asymmetry))) ** self.locality
        if row is not None:
            near_U[row] = 0.0
        return own_I + self.from_shoppers(near_U)


class TifuKnn(ShopperScorer):
    """TIFU-KNN: the shopper's item frequencies, decayed within and between groups of trips, mixed with the mean of
    the nearest `neighbours` shoppers by Euclidean distance: share * own + (1 - share) * theirs.

    Hu, He, Gao and Zhang, "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (SIGIR
    2020). A shopper's trips are cut into `groups` consecutive groups, the later ones the larger by at most one. Trip t
    of the n in group g of m adds within^(n - t) / n * between^(m - g) / m.
    """

    def __init__(
        self, *, groups: int, within: float, between: float, neighbours: int, share: float, **past: Any
    ) -> None:
        """past: as ShopperScorer."""
        self.groups, self.within, self.between = groups, within, between
        self.neighbours, self.share = neighbours, share
        super().__init__(**past)
        self._square_U = np.bincount(self.shopper_N, self.value_N.astype(np.float64) ** 2, self.shoppers)

    def weight_of_trip(self, trip_H: np.ndarray, trips_H: np.ndarray) -> np.ndarray:
        """As ShopperScorer."""
        groups_H = np.minimum(trips_H, self.groups)
        size_H, larger_H = np.divmod(trips_H, groups_H)
        # Counted from the last trip: the last `larger` groups hold one trip more than the others.
        back_H, long_H = trips_H - trip_H, larger_H * (size_H + 1)
        late_H = back_H < long_H
        length_H = np.where(late_H, size_H + 1, size_H)
        from_H = np.where(late_H, back_H, back_H - long_H)
        group_H = from_H // length_H + np.where(late_H, 0, larger_H)
        return self.within ** (from_H % length_H) / length_H * self.between**group_H / groups_H

    def score(self, own_I: np.ndarray, item_P: np.ndarray, row: int | None) -> np.ndarray:
        """As ShopperScorer."""
        position, which = self.buyers(item_P)
        shared = self.value_N[position] * own_I[item_P][which]
        # The squared distance turned round, without the asking shopper's own square, which changes no order.
        near_U = (2.0 * np.bincount(self._row_N[position], shared, self.shoppers) - self._square_U).astype(np.float32)
        if row is not None:
            near_U[row] = _LAST
        nearest = best(near_U, min(self.neighbours, self.shoppers))
        mean_U = np.zeros(self.shoppers, np.float32)
        mean_U[nearest] = 1.0 / max(len(nearest), 1)
        share = np.float32(self.share)
        return share * own_I + (np.float32(1.0) - share) * self.from_shoppers(mean_U)
