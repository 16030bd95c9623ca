"""Scores by which items go together: item-kNN, EASE, iALS.

Shape legend: B requests, H history events, I items, N neighbours of an item, E items of the head, f factors,
M items that a shopper bought.
"""

from typing import Any

import numpy as np

from model.baselines.whole_catalog import sums
from model.data.batch import Batch
from model.features.joins import distinct
from model.system.legacy_keras import tf


class ItemKnn(tf.Module):
    """Sum over the shopper's purchases of the similarity of the bought item to each of its neighbours.

    Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms" (WWW 2001).
    """

    def __init__(self, near_IN: np.ndarray, similar_IN: np.ndarray) -> None:
        """near_IN: int32 the neighbours of each item; similar_IN: float32, 0 where an item has fewer of them."""
        super().__init__(name="item_knn")
        self.near_IN = tf.Variable(near_IN, trainable=False, name="near")
        self.similar_IN = tf.Variable(similar_IN, trainable=False, name="similar")

    def __call__(self, batch: Batch) -> Any:
        items, neighbours = self.near_IN.shape
        near_HN, similar_HN = (tf.gather(a, batch.history_item_H) for a in (self.near_IN, self.similar_IN))
        row = tf.repeat(batch.history_row_H, neighbours)
        rows = tf.shape(batch.time_B)[0]
        return sums(row, tf.reshape(near_HN, [-1]), tf.reshape(similar_HN, [-1]), rows, items)


class Ease(tf.Module):
    """What the shopper bought of the head, as a set, times the weights between its items.

    Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019).
    """

    def __init__(self, head_E: np.ndarray, weight_EE: np.ndarray, items: int) -> None:
        """head_E: item indices; weight_EE: float32, from the bought item (row) to the scored one."""
        super().__init__(name="ease")
        place_I = np.full(items, -1, np.int32)
        place_I[head_E] = np.arange(len(head_E))
        self.place_I = tf.Variable(place_I, trainable=False, name="place")
        self.weight_EE = tf.Variable(weight_EE, trainable=False, name="weights")

    def __call__(self, batch: Batch) -> Any:
        place_H, rows = tf.gather(self.place_I, batch.history_item_H), tf.shape(batch.time_B)[0]
        bought_BE = sums(batch.history_row_H, place_H, tf.ones_like(place_H, tf.float32), rows, self.weight_EE.shape[0])
        score_BE = tf.cast(bought_BE > 0, tf.float32) @ self.weight_EE
        return tf.where(self.place_I >= 0, tf.gather(score_BE, tf.maximum(self.place_I, 0), axis=1), 0.0)


class ImplicitAls(tf.Module):
    """iALS: the shopper's factors x solved from the history, times the items' factors Y.

    Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008), as in the library
    `implicit`: (Y'Y + reg + sum of (c - 1) y y') x = sum of c y, over the bought items, with c = alpha * purchases.
    """

    def __init__(self, factor_If: np.ndarray, regularization: float, alpha: float) -> None:
        super().__init__(name="ials")
        gram_ff = factor_If.T @ factor_If + regularization * np.eye(factor_If.shape[1])
        self.alpha = alpha
        self.factor_If = tf.Variable(factor_If.astype(np.float32), trainable=False, name="factors")
        self.gram_ff = tf.Variable(gram_ff.astype(np.float32), trainable=False, name="gram")

    def __call__(self, batch: Batch) -> Any:
        row_P, item_P, _, segment_H = distinct(batch.history_row_H, batch.history_item_H)
        count_P = tf.math.unsorted_segment_sum(tf.ones_like(segment_H, tf.float32), segment_H, tf.size(row_P))
        requests = tf.cast(tf.shape(batch.time_B)[0], row_P.dtype)

        def by_request(flat: Any) -> Any:
            return tf.RaggedTensor.from_value_rowids(flat, row_P, nrows=requests).to_tensor()

        bought_BMf = by_request(tf.gather(self.factor_If, item_P))
        confidence_BM1 = self.alpha * by_request(count_P)[..., None]
        more_Bff = tf.matmul(bought_BMf, (confidence_BM1 - 1.0) * bought_BMf, transpose_a=True)
        wanted_Bf1 = tf.reduce_sum(confidence_BM1 * bought_BMf, axis=1)[..., None]
        x_Bf = tf.linalg.solve(self.gram_ff + more_Bff, wanted_Bf1)[..., 0]
        return tf.matmul(x_Bf, self.factor_If, transpose_b=True)
