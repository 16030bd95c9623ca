"""Rankers that ask similar items or similar shoppers.

Shape legend: B asking shoppers, U shoppers of the past, I items, N neighbours.
"""

import numpy as np
import scipy.sparse as sp

from benchmarks.peers.base import Histories, Peer
from components.train.baselines.item_similarity import incidence, similarities


class ItemKnn(Peer):
    """Sum over what the shopper bought of the similarity to each item
    (components/train/baselines/item_similarity.py)."""

    def __init__(self, neighbours: int = 100, shrink: float = 10.0, own: bool = True) -> None:
        super().__init__()
        self.neighbours, self.shrink, self.own = neighbours, shrink, own

    def learn(self, past: Histories) -> None:
        first_B = np.cumsum(past.trips_B) - past.trips_B
        basket_H = first_B[past.row_H] + past.trip_H - 1
        bought = incidence(basket_H, past.item_H, int(past.trips_B.sum()), self.items)
        self._similar_II = similarities(bought, self.neighbours, self.shrink, self.own)

    def score(self, asked: Histories) -> sp.csr_matrix:
        return asked.matrix(np.ones(1), self.items) @ self._similar_II


class UpCf(Peer):
    """UP-CF: what similar shoppers, the asking one among them, bought in the share of their last `recent` baskets.

    Faggioli, Polato and Aiolli, "Recency Aware Collaborative Filtering for Next Basket Recommendation" (UMAP 2020):
    score(u, i) = sum over v of w(u, v)^locality * share of v's last `recent` baskets with i, where
    w(u, v) = |I_u & I_v| / (|I_u|^asymmetry |I_v|^(1 - asymmetry)) over the sets of items ever bought.
    """

    def __init__(self, recent: int = 25, locality: float = 10.0, asymmetry: float = 0.25) -> None:
        super().__init__()
        self.recent, self.locality, self.asymmetry = recent, locality, asymmetry

    def learn(self, past: Histories) -> None:
        self._set_UI, self._share_UI = _sets(past, self.items), self._shares(past)

    def score(self, asked: Histories) -> np.ndarray:
        set_BI = _sets(asked, self.items)
        weight_BU = (set_BI @ self._set_UI.T).toarray().astype(np.float64)
        size_B, size_U = (np.maximum(np.diff(sets.indptr), 1) for sets in (set_BI, self._set_UI))
        weight_BU /= size_B[:, None] ** self.asymmetry * size_U[None, :] ** (1 - self.asymmetry)
        weight_BU **= self.locality
        _forget_self(weight_BU, asked)
        neighbours_IB = self._share_UI.T @ np.ascontiguousarray(weight_BU.T, dtype=np.float32)
        score_BI = self._shares(asked).toarray()
        score_BI += neighbours_IB.T
        return score_BI

    def _shares(self, shoppers: Histories) -> sp.csr_matrix:
        trips_H = shoppers.trips_B[shoppers.row_H]
        recent = shoppers.only(shoppers.trip_H > trips_H - self.recent)
        counted_B = np.maximum(np.minimum(shoppers.trips_B, self.recent), 1)
        return recent.matrix(1.0 / counted_B[recent.row_H], self.items)


class TifuKnn(Peer):
    """TIFU-KNN: own item frequencies, decayed within and between groups of trips, mixed with the neighbours'.

    Hu, He, Gao and Zhang, "Modeling Personalized Item Frequency Information for Next-basket Recommendation" (SIGIR
    2020). A shopper's trips are cut into `groups` consecutive groups, the later ones the larger by at most one; the
    vector of a group of n trips is sum over its trips t = 1..n of within^(n - t) x_t / n, the shopper's is
    sum over groups g = 1..m of between^(m - g) v_g / m. Score: share * own + (1 - share) * mean of the nearest
    `neighbours` vectors by Euclidean distance.
    """

    def __init__(
        self, groups: int = 7, within: float = 0.9, between: float = 0.7, neighbours: int = 300, share: float = 0.7
    ) -> None:
        super().__init__()
        self.groups, self.within, self.between = groups, within, between
        self.neighbours, self.share = neighbours, share

    def learn(self, past: Histories) -> None:
        self._vector_UI = self._vectors(past)
        self._square_U = np.asarray(self._vector_UI.multiply(self._vector_UI).sum(axis=1)).ravel()

    def score(self, asked: Histories) -> sp.csr_matrix:
        own_BI = self._vectors(asked)
        # Squared distance less the asking shopper's own square, which changes no order.
        near_BU = 2 * (own_BI @ self._vector_UI.T).toarray() - self._square_U
        _forget_self(near_BU, asked, -np.inf)
        wanted = min(self.neighbours, near_BU.shape[1])
        nearest_BN = np.argpartition(-near_BU, wanted - 1, axis=1)[:, :wanted]
        row = np.repeat(np.arange(len(asked)), wanted)
        mean_BU = sp.csr_matrix((np.full(len(row), 1 / wanted), (row, nearest_BN.ravel())), shape=near_BU.shape)
        return self.share * own_BI + (1 - self.share) * (mean_BU @ self._vector_UI)

    def _vectors(self, shoppers: Histories) -> sp.csr_matrix:
        """[B, I]: the decayed frequencies."""
        trips_H = shoppers.trips_B[shoppers.row_H]
        groups_H = np.minimum(trips_H, self.groups)
        size_H, larger_H = np.divmod(trips_H, groups_H)
        # The first groups hold `size` trips, the last `larger` groups one more.
        small_H = (groups_H - larger_H) * size_H
        at_H = shoppers.trip_H - 1
        early_H = at_H < small_H
        group_H = np.where(early_H, at_H // size_H, groups_H - larger_H + (at_H - small_H) // (size_H + 1))
        place_H = np.where(early_H, at_H % size_H, (at_H - small_H) % (size_H + 1))
        length_H = np.where(early_H, size_H, size_H + 1)
        weight_H = self.within ** (length_H - 1 - place_H) / length_H
        weight_H = weight_H * self.between ** (groups_H - 1 - group_H) / groups_H
        return shoppers.matrix(weight_H, self.items)


def _sets(shoppers: Histories, items: int) -> sp.csr_matrix:
    """[B, I]: 1 where the shopper ever bought the item."""
    sets = shoppers.matrix(np.ones(1), items)
    sets.data[:] = 1.0
    return sets


def _forget_self(value_BU: np.ndarray, asked: Histories, value: float = 0.0) -> None:
    """Nobody is a neighbour of themselves: sets those cells, in place."""
    row = np.flatnonzero(asked.learned_B >= 0)
    value_BU[row, asked.learned_B[row]] = value
