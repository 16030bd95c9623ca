"""Scores by which items go together: item-kNN, EASE, iALS.

Shape legend: B requests, I items, N neighbours of an item, E items of the head, f factors, P distinct items of one
shopper's history.
"""

import numpy as np

from model.baselines.whole_catalog import each_history
from model.data.batch import Batch


class ItemKnn:
    """Sum over the shopper's purchases of the similarity of the bought item to each of its neighbours.

    Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms" (WWW 2001).
    """

    def __init__(self, near_IN: np.ndarray, similar_IN: np.ndarray) -> None:
        """near_IN: int32 the neighbours of each item; similar_IN: float32, 0 where an item has fewer of them."""
        self.near_IN, self.similar_IN = near_IN, similar_IN

    def __call__(self, batch: Batch) -> np.ndarray:
        """As CatalogScorer."""
        score_BI = np.zeros((len(batch.time_B), len(self.near_IN)), np.float32)
        for row, events in each_history(batch):
            item_P, count_P = np.unique(batch.history_item_H[events], return_counts=True)
            value_PN = self.similar_IN[item_P] * count_P[:, None].astype(np.float32)
            np.add.at(score_BI[row], self.near_IN[item_P].ravel(), value_PN.ravel())
        return score_BI


class Ease:
    """What the shopper bought of the head, as a set, times the weights between its items.

    Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019).
    """

    def __init__(self, head_E: np.ndarray, weight_EE: np.ndarray, items: int) -> None:
        """head_E: int32 item indices; weight_EE: float32, from the bought item (row) to the scored one."""
        self.head_E, self.weight_EE = head_E.astype(np.int32), weight_EE
        self._place_I = np.full(items, -1, np.int32)
        self._place_I[head_E] = np.arange(len(head_E))

    def __call__(self, batch: Batch) -> np.ndarray:
        """As CatalogScorer."""
        score_BI = np.zeros((len(batch.time_B), len(self._place_I)), np.float32)
        for row, events in each_history(batch):
            place_P = np.unique(self._place_I[batch.history_item_H[events]])
            score_BI[row, self.head_E] = self.weight_EE[place_P[place_P >= 0]].sum(axis=0)
        return score_BI


class ImplicitAls:
    """iALS: the shopper's factors x solved from the history, times the items' factors Y.

    Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008), as in the library
    `implicit`: (Y'Y + reg + sum of (c - 1) y y') x = sum of c y, over the bought items, with c = alpha * purchases.
    """

    def __init__(self, factor_If: np.ndarray, regularization: float, alpha: float) -> None:
        self.factor_If, self.regularization, self.alpha = factor_If.astype(np.float32), regularization, alpha
        factor_If = factor_If.astype(np.float64)
        self._gram_ff = factor_If.T @ factor_If + regularization * np.eye(factor_If.shape[1])

    def __call__(self, batch: Batch) -> np.ndarray:
        """As CatalogScorer. The shopper is solved in float64."""
        x_Bf = np.zeros((len(batch.time_B), self.factor_If.shape[1]))
        for row, events in each_history(batch):
            item_P, count_P = np.unique(batch.history_item_H[events], return_counts=True)
            bought_Pf, confidence_P1 = self.factor_If[item_P].astype(np.float64), self.alpha * count_P[:, None]
            more_ff = bought_Pf.T @ ((confidence_P1 - 1.0) * bought_Pf)
            x_Bf[row] = np.linalg.solve(self._gram_ff + more_ff, (confidence_P1 * bought_Pf).sum(axis=0))
        return x_Bf.astype(np.float32) @ self.factor_If.T
