"""Rankers by a low-rank or linear model of which shoppers bought which items.

Shape legend: B asking shoppers, U shoppers of the past, I items, E items of the head.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.peers.base import Histories, Peer
from components.train.baselines.item_similarity import als, ease_weights


class ImplicitAls(Peer):
    """iALS on purchase counts, the library `implicit`; an asking shopper's factors are solved from the history.

    Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008); the
    confidence of a purchased item is alpha * count in this library, of any other item 1.
    """

    def __init__(
        self, factors: int = 64, regularization: float = 0.1, alpha: float = 10.0, iterations: int = 10, seed: int = 7
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {"factors": factors, "regularization": regularization, "alpha": alpha}
        self.settings["iterations"] = iterations
        self._seed = seed

    def learn(self, past: Histories) -> None:
        self._model = als(past.matrix(np.ones(1), self.items), **self.settings, seed=self._seed)

    def score(self, asked: Histories) -> np.ndarray:
        counts = asked.matrix(np.ones(1), self.items)
        factors = self._model.recalculate_user(np.arange(len(asked)), counts)
        return np.asarray(factors) @ self._model.item_factors.T


class Ease(Peer):
    """EASE on the `head` most popular items, those bought by a shopper as a set.

    The score is x times the weights of components/train/baselines/item_similarity.py. Items outside the head are never
    recommended, only filled in.
    """

    def __init__(self, l2: float = 300.0, head: int = 3000) -> None:
        super().__init__()
        self.l2, self.head = l2, head

    def learn(self, past: Histories) -> None:
        self._weight_EE = ease_weights(self._sets(past), self.l2)

    def score(self, asked: Histories) -> np.ndarray:
        score_BI = np.zeros((len(asked), self.items), np.float32)
        score_BI[:, : self.head] = self._sets(asked) @ self._weight_EE
        return score_BI

    def _sets(self, shoppers: Histories) -> sp.csr_matrix:
        """[B, E]: 1 where the shopper ever bought the item of the head."""
        head = shoppers.only(shoppers.item_H < self.head)
        sets = head.matrix(np.ones(1), min(self.head, self.items))
        sets.data[:] = 1.0
        return sets
