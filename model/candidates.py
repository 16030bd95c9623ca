"""The candidate union: own history, the towers' neighbours, what is popular now. One list for the ranker.

Shape legend: B requests, H history events, C candidates of all requests together, R retrieved, I items, W snapshots.
"""

from typing import Any, NamedTuple

import numpy as np

from model.backend import tf
from model.catalog import Catalog
from model.inputs import Batch
from model.matching import contains, distinct, match, top_per_row
from tfx_configs.settings import DAY_S, CandidateSettings

OWN_HALF_LIFE_DAYS = 60.0


class Candidates(NamedTuple):
    """A flat list of distinct (request, item) pairs."""

    item_C: Any
    row_C: Any
    source_C: Any
    """[C] int32 position in model.api.SOURCES."""


class CandidateUnion(tf.Module):
    """Lists the candidates of each request."""

    def __init__(self, catalog: Catalog, settings: CandidateSettings) -> None:
        super().__init__(name="candidates")
        self._own_limit, self._limit = settings.own, settings.limit
        top = np.argsort(-catalog.recent_WI, axis=1, kind="stable")[:, : settings.popular].astype(np.int32)
        bought = np.take_along_axis(catalog.recent_WI, top, axis=1) > 0
        self.popular_WP = tf.Variable(np.where(bought, top, -1), trainable=False, name="popular")

    def __call__(
        self, batch: Batch, week_B: Any, retrieved_BR: Any, exclude_item_X: Any, exclude_row_X: Any
    ) -> Candidates:
        """The union for each request, without the excluded (item, row) pairs: the first `limit`, source by source.

        Args:
            week_B: [B] int32 popularity snapshot of each request.
            retrieved_BR: [B, R] int32 items from the towers, -1 where there is none.
        """
        own_row, own_item = self._own(batch)
        lists = [(own_row, own_item), _flat(retrieved_BR), _flat(tf.gather(self.popular_WP, week_B))]
        ends = tf.cumsum([tf.size(row) for row, _ in lists])
        row_C, item_C, first_C = distinct(tf.concat([r for r, _ in lists], 0), tf.concat([i for _, i in lists], 0))
        source_C = tf.searchsorted(ends, first_C, side="right")
        kept = (item_C >= 0) & ~contains(row_C, item_C, exclude_row_X, exclude_item_X)
        item_C, row_C, source_C = (tf.boolean_mask(a, kept) for a in (item_C, row_C, source_C))
        first = top_per_row(row_C, -tf.cast(tf.range(tf.size(row_C)), tf.float32), self._limit)
        return Candidates(*(tf.gather(a, first) for a in (item_C, row_C, source_C)))

    def _own(self, batch: Batch) -> tuple[Any, Any]:
        """(row, item) of each shopper's own items, the highest decayed counts where there are too many."""
        row_N, item_N, _ = distinct(batch.history_row_H, batch.history_item_H)
        age_H = tf.cast(tf.gather(batch.time_B, batch.history_row_H) - batch.history_time_H, tf.float32) / DAY_S
        segment_N, segment_H, segments = match(row_N, item_N, batch.history_row_H, batch.history_item_H)
        decayed = tf.math.unsorted_segment_sum(2.0 ** (-age_H / OWN_HALF_LIFE_DAYS), segment_H, segments)
        best = top_per_row(row_N, tf.gather(decayed, segment_N), self._own_limit)
        return tf.gather(row_N, best), tf.gather(item_N, best)


def _flat(item_BR: Any) -> tuple[Any, Any]:
    """(row, item) of a dense list."""
    rows, width = tf.shape(item_BR)[0], tf.shape(item_BR)[1]
    return tf.repeat(tf.range(rows), width), tf.reshape(item_BR, [-1])
