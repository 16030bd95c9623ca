"""Scores by what similar shoppers bought: UP-CF, TIFU-KNN. One graph makes the vectors of all shoppers: those of the
past, which are stored, and that of the asking shopper.

Shape legend: B requests, H history events, U shoppers of the past, I items, N distinct (shopper, item) pairs of the
past.
"""

from typing import Any

import numpy as np

from model.baselines.whole_catalog import history_sums, sums
from model.data.batch import Batch
from model.features.graph import trip_numbers
from model.system.legacy_keras import tf


class ShopperScorer(tf.Module):
    """Holds the past as a sparse [U, I] matrix. A request's `user_B` is 1 + its shopper's row there, or 0."""

    def __init__(self, past: Batch, items: int, trip_gap_hours: float) -> None:
        """past: the histories of all shoppers as of the cut, as NumPy arrays."""
        super().__init__(name="shoppers")
        self.items, self.shoppers, self._gap_hours = items, len(past.time_B), trip_gap_hours
        key_H = past.history_row_H.astype(np.int64) * items + past.history_item_H
        key_N, pair_H = np.unique(key_H, return_inverse=True)
        value_N = np.bincount(pair_H, self.weight(past).numpy(), len(key_N)).astype(np.float32)
        self.pair_N2 = tf.Variable(np.stack(np.divmod(key_N, items), axis=1), trainable=False, name="pairs")
        self.value_N = tf.Variable(value_N, trainable=False, name="values")

    def weight(self, batch: Batch) -> Any:
        """[H] float32: what each event adds to its shopper's vector."""
        trip_H, trips_B = trip_numbers(batch, self._gap_hours)
        return self.weight_of_trip(trip_H, tf.gather(trips_B, batch.history_row_H))

    def weight_of_trip(self, trip_H: Any, trips_H: Any) -> Any:
        """The same, of an event on trip `trip_H` (from 1) out of `trips_H`; both float32."""
        raise NotImplementedError

    def from_items(self, value_N: Any, of_item_IB: Any) -> Any:
        """[U, B]: the past, with these values, times a column for each request."""
        return tf.sparse.sparse_dense_matmul(self._past(value_N), of_item_IB)

    def from_shoppers(self, value_N: Any, of_shopper_UB: Any) -> Any:
        """[B, I]: the vectors of the past, with these values, summed with the weights of each request."""
        return tf.transpose(tf.sparse.sparse_dense_matmul(self._past(value_N), of_shopper_UB, adjoint_a=True))

    def themselves(self, batch: Batch) -> Any:
        """[U, B] bool: the asking shopper's own row."""
        return tf.range(1, self.shoppers + 1)[:, None] == batch.user_B[None, :]

    def _past(self, value_N: Any) -> Any:
        return tf.SparseTensor(self.pair_N2, value_N, [self.shoppers, self.items])


class UpCf(ShopperScorer):
    """UP-CF: the share of the last `recent` baskets that had the item, of the shopper and of similar ones.

    Faggioli, Polato and Aiolli, "Recency Aware Collaborative Filtering for Next Basket Recommendation" (UMAP 2020):
    a neighbour counts |I_u & I_v|^locality / (|I_u|^asymmetry |I_v|^(1 - asymmetry))^locality, over the sets of items
    ever bought.
    """

    def __init__(
        self, past: Batch, items: int, trip_gap_hours: float, recent: int, locality: float, asymmetry: float
    ) -> None:
        self.recent, self.locality, self.asymmetry = recent, locality, asymmetry
        super().__init__(past, items, trip_gap_hours)
        size_U = np.bincount(self.pair_N2.numpy()[:, 0], minlength=self.shoppers)
        self.size_U = tf.Variable(np.maximum(size_U, 1).astype(np.float32), trainable=False, name="sizes")

    def weight_of_trip(self, trip_H: Any, trips_H: Any) -> Any:
        counted_H = tf.minimum(trips_H, float(self.recent))
        return tf.where(trip_H > trips_H - self.recent, 1.0 / counted_H, 0.0)

    def __call__(self, batch: Batch) -> Any:
        """[B, I]: see model/baselines/whole_catalog.py."""
        bought_BI = history_sums(batch, tf.ones_like(batch.history_item_H, tf.float32), self.items) > 0
        set_BI = tf.cast(bought_BI, tf.float32)
        size_B = tf.maximum(tf.reduce_sum(set_BI, axis=1), 1.0)
        both_UB = self.from_items(tf.ones_like(self.value_N), tf.transpose(set_BI))
        near_UB = both_UB / (size_B[None, :] ** self.asymmetry * self.size_U[:, None] ** (1.0 - self.asymmetry))
        near_UB = tf.where(self.themselves(batch), 0.0, near_UB**self.locality)
        return history_sums(batch, self.weight(batch), self.items) + self.from_shoppers(self.value_N, near_UB)


class TifuKnn(ShopperScorer):
    """TIFU-KNN: the shopper's item frequencies, decayed within and between groups of trips, mixed with the mean of
    the nearest `neighbours` shoppers by Euclidean distance: share * own + (1 - share) * theirs.

    Hu, He, Gao and Zhang, "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (SIGIR
    2020). A shopper's trips are cut into `groups` consecutive groups, the later ones the larger by at most one. Trip t
    of the n in group g of m adds within^(n - t) / n * between^(m - g) / m.
    """

    def __init__(
        self,
        past: Batch,
        items: int,
        trip_gap_hours: float,
        groups: int,
        within: float,
        between: float,
        neighbours: int,
        share: float,
    ) -> None:
        self.groups, self.within, self.between = groups, within, between
        self.neighbours, self.share = neighbours, share
        super().__init__(past, items, trip_gap_hours)
        square_U = np.bincount(self.pair_N2.numpy()[:, 0], self.value_N.numpy() ** 2, self.shoppers)
        self.square_U = tf.Variable(square_U.astype(np.float32), trainable=False, name="squares")

    def weight_of_trip(self, trip_H: Any, trips_H: Any) -> Any:
        groups_H = tf.minimum(trips_H, float(self.groups))
        size_H, larger_H = trips_H // groups_H, trips_H % groups_H
        # Counted from the last trip: the last `larger` groups hold one trip more than the others.
        back_H, long_H = trips_H - trip_H, larger_H * (size_H + 1.0)
        late_H = back_H < long_H
        length_H = tf.where(late_H, size_H + 1.0, size_H)
        from_H = tf.where(late_H, back_H, back_H - long_H)
        group_H = from_H // length_H + tf.where(late_H, 0.0, larger_H)
        return self.within ** (from_H % length_H) / length_H * self.between**group_H / groups_H

    def __call__(self, batch: Batch) -> Any:
        """[B, I]: see model/baselines/whole_catalog.py."""
        own_BI = history_sums(batch, self.weight(batch), self.items)
        # The squared distance turned round, without the asking shopper's own square, which changes no order.
        near_UB = 2.0 * self.from_items(self.value_N, tf.transpose(own_BI)) - self.square_U[:, None]
        near_UB = tf.where(self.themselves(batch), -np.inf, near_UB)
        wanted = min(self.neighbours, self.shoppers)
        nearest_BN = tf.math.top_k(tf.transpose(near_UB), wanted).indices
        rows, flat = tf.shape(nearest_BN)[0], tf.reshape(nearest_BN, [-1])
        mean_BU = (
            sums(tf.repeat(tf.range(rows), wanted), flat, tf.ones_like(flat, tf.float32), rows, self.shoppers) / wanted
        )
        return self.share * own_BI + (1.0 - self.share) * self.from_shoppers(self.value_N, tf.transpose(mean_BU))
