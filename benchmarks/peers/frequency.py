"""Rankers that count: what all shoppers buy, what this shopper buys."""

import numpy as np
import scipy.sparse as sp

from benchmarks.peers.base import Histories, Peer
from model.data.personal_frequency import decay


class Popularity(Peer):
    """What all shoppers bought most, over all the past or over its last `days`.

    Over the last days: Ji et al., "A Re-visit of the Popularity Baseline in Recommender Systems" (SIGIR 2020).
    """

    def __init__(self, days: float = float("inf")) -> None:
        super().__init__()
        self.days = days

    def learn(self, past: Histories) -> None:
        recent = past.age_H <= self.days
        self._count_I = np.bincount(past.item_H[recent], minlength=self.items).astype(np.float32)

    def score(self, asked: Histories) -> np.ndarray:
        return np.broadcast_to(self._count_I, (len(asked), self.items))


class LastBasket(Peer):
    """What was bought on the shopper's last trip."""

    def learn(self, past: Histories) -> None:
        pass

    def score(self, asked: Histories) -> sp.csr_matrix:
        return asked.matrix(asked.in_last_trip_H, self.items)


class TopFrequency(Peer):
    """What this shopper bought most, each purchase halved every `half_life_days`.

    Without decay, P-TopFreq; with popular items filling short lists, GP-TopFreq. Li et al., "A Next Basket
    Recommendation Reality Check" (TOIS 2023). With decay: Hu et al. (SIGIR 2020).
    """

    def __init__(self, half_life_days: float = float("inf"), fills: bool = True) -> None:
        super().__init__()
        self.half_life_days, self.fills = half_life_days, fills

    def learn(self, past: Histories) -> None:
        pass

    def score(self, asked: Histories) -> sp.csr_matrix:
        return asked.matrix(decay(asked.age_H, self.half_life_days), self.items)
