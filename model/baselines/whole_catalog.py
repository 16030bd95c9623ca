"""Recommends by a score that every item of the catalog has: no candidates, and no features of them.

Shape legend: B requests, H history events, X exclusions, I items, k answers.
"""

from typing import Any, Protocol

import numpy as np

from model.api import SOURCES
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.system.legacy_keras import tf


class CatalogScorer(Protocol):
    """What scores all items by the history alone."""

    def __call__(self, batch: Batch) -> Any:
        """[B, I] float32; an item whose score is not above 0 is only filled in."""
        ...


class WholeCatalog(tf.Module):
    """Implements model.networks.recommender.Recommends: what `scorer` puts above 0, then what is popular, which also
    decides between equal scores."""

    def __init__(self, catalog: Catalog, scorer: CatalogScorer) -> None:
        """catalog: as served; what is popular is from its last snapshot."""
        super().__init__(name="recommender")
        self.scorer = scorer
        self.ranked = catalog.items
        self.popularity_I = tf.Variable(catalog.decayed_WI[-1], trainable=False, name="popularity")
        by_popularity_I = np.argsort(-catalog.decayed_WI[-1], kind="stable").astype(np.int32)
        self.by_popularity_I = tf.Variable(by_popularity_I, trainable=False, name="by_popularity")

    def embed(self, batch: Batch) -> Any:
        """[B, 0]: nothing is retrieved by vector."""
        return tf.zeros([tf.shape(batch.time_B)[0], 0])

    def recommend(
        self, batch: Batch, retrieved_BR: Any, exclude_item_X: Any, exclude_row_X: Any, ranked: Any, k: Any
    ) -> tuple[Any, Any, Any]:
        """As Recommender.recommend. What is filled in has a score below 0, and what no shopper buys is not listed."""
        score_BI = self.scorer(batch)
        order_BI = tf.where(score_BI > 0, score_BI, -1.0 / (1.0 + self.popularity_I))
        excluded_BI = _listed(exclude_row_X, exclude_item_X, score_BI)
        offered_BI = ((score_BI > 0) | (self.popularity_I > 0)) & ~excluded_BI
        order_BI = tf.where(offered_BI, order_BI, -np.inf)
        most = tf.minimum(tf.minimum(ranked, k), self.ranked)
        # Of equal values top_k takes the first.
        best = tf.math.top_k(tf.gather(order_BI, self.by_popularity_I, axis=1), most)
        item = tf.gather(self.by_popularity_I, best.indices)
        there = best.values > -np.inf
        own_BI = _listed(batch.history_row_H, batch.history_item_H, score_BI)
        own, similar, popular = range(len(SOURCES))
        source = tf.where(tf.gather(own_BI, item, batch_dims=1), own, tf.where(best.values > 0, similar, popular))
        return tf.where(there, item, -1), tf.where(there, best.values, 0.0), tf.where(there, source, 0)


class PopularUnseen(tf.Module):
    """What everybody bought, halved every 28 days, without what the shopper bought before.

    Where nothing is bought twice, plain popularity spends its places on what the shopper has already.
    """

    def __init__(self, popularity_I: np.ndarray) -> None:
        """popularity_I: float32 decayed purchases of everybody, as of the last snapshot."""
        super().__init__(name="popular_unseen")
        self.popularity_I = tf.Variable(popularity_I, trainable=False, name="unseen_popularity")

    def __call__(self, batch: Batch) -> Any:
        popular_BI = tf.repeat(self.popularity_I[None, :], tf.shape(batch.time_B)[0], axis=0)
        bought_BI = _listed(batch.history_row_H, batch.history_item_H, popular_BI)
        return tf.where(bought_BI, 0.0, popular_BI)


def sums(row_N: Any, item_N: Any, value_N: Any, rows: Any, items: int) -> Any:
    """[rows, items] float32: the values summed by cell. Items below 0 are in none."""
    cell_N = tf.where(item_N >= 0, row_N * items + item_N, -1)
    return tf.reshape(tf.math.unsorted_segment_sum(value_N, cell_N, rows * items), [rows, items])


def history_sums(batch: Batch, value_H: Any, items: int) -> Any:
    """[B, items] float32: the values of each shopper's events of an item, summed."""
    return sums(batch.history_row_H, batch.history_item_H, value_H, tf.shape(batch.time_B)[0], items)


def _listed(row_N: Any, item_N: Any, like_BI: Any) -> Any:
    """[B, I] bool: the cells that are among the pairs."""
    ones_N = tf.ones_like(item_N, tf.float32)
    return sums(row_N, item_N, ones_N, tf.shape(like_BI)[0], like_BI.shape[1]) > 0
