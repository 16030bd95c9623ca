"""The candidate union: own history, the towers' neighbours, what is popular now; the most promising go to the ranker.

Shape legend: B requests, H history events, R retrieved, X exclusions, P entries of the pool, C candidates (P and C: of
all requests together), F features of the pre-ranker, K kinds of promotion.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from model.data.batch import Batch
from model.data.catalog import MISSING, Catalog
from model.features.graph import NEVER_DAYS, FeatureGraph
from model.features.joins import distinct, match_codes, top_per_row
from model.networks.pre_ranker import PreRanker, inputs
from model.system.legacy_keras import tf
from tfx_configs.settings import CandidateSettings
from tfx_configs.units import DAY_S

HALF_LIVES_DAYS = (60.0, 365.0)
"""Of the pre-ranker's decayed counts; the first also of its affinity."""
SIEVE = 4
"""For each candidate wanted, this many that are best by the line go to the pre-ranker's network."""


class Candidates(NamedTuple):
    """A flat list of distinct (request, item) pairs."""

    item_C: Any
    row_C: Any
    source_C: Any
    """[C] int32 position in model.api.SOURCES."""


class CandidateUnion(tf.Module):
    """Lists the candidates of each request."""

    def __init__(
        self, catalog: Catalog, settings: CandidateSettings, features: FeatureGraph, preranker: PreRanker
    ) -> None:
        super().__init__(name="candidates")
        self.preranker = preranker
        self.limit, self.ranked = settings.limit, settings.ranked
        self._features, self._retrieved = features, settings.retrieved
        self._codes = catalog.attribute_sizes[0] if catalog.attribute_sizes else 0
        top = np.argsort(-catalog.recent_WI, axis=1, kind="stable")[:, : settings.popular].astype(np.int32)
        bought = np.take_along_axis(catalog.recent_WI, top, axis=1) > 0
        self.popular_WP = tf.Variable(np.where(bought, top, -1), trainable=False, name="popular")

    def __call__(
        self, batch: Batch, retrieved_BR: Any, exclude_item_X: Any, exclude_row_X: Any, limit: Any
    ) -> Candidates:
        """The `limit` most promising of each request's pool, best first; for the other arguments see `pool`."""
        pool, feature_PF = self.pool(batch, retrieved_BR, exclude_item_X, exclude_row_X)
        likely = top_per_row(pool.row_C, self.preranker.line(feature_PF), SIEVE * limit)
        pool, feature_PF = Candidates(*(tf.gather(a, likely) for a in pool)), tf.gather(feature_PF, likely)
        best = top_per_row(pool.row_C, self.preranker(feature_PF, self.promoted(batch, pool)), limit)
        return Candidates(*(tf.gather(a, best) for a in pool))

    def promoted(self, batch: Batch, entries: Candidates) -> Any:
        """[P, K] float32: 1 where that kind of promotion of the entry's item runs in the request's store now."""
        store_P, time_P = tf.gather(batch.store_B, entries.row_C), tf.gather(batch.time_B, entries.row_C)
        return self._features.promotions(store_P, entries.item_C, time_P)

    def pool(self, batch: Batch, retrieved_BR: Any, exclude_item_X: Any, exclude_row_X: Any) -> tuple[Candidates, Any]:
        """Everything that the sources offer, without the excluded (item, row) pairs, and [P, F] for the pre-ranker.

        One pass of tf.unique joins events, neighbours and popular items by (request, item).

        Args:
            retrieved_BR: [B, R] int32 items from the towers, best first, -1 where there is none.
        """
        week_B = self._features.week(batch.time_B)
        lists = [
            (batch.history_row_H, batch.history_item_H),
            _flat(retrieved_BR),
            _flat(tf.gather(self.popular_WP, week_B)),
            (exclude_row_X, exclude_item_X),
        ]
        row, item = (tf.concat(parts, 0) for parts in zip(*lists, strict=True))
        ends = tf.cumsum([tf.size(part) for part, _ in lists])
        row_P, item_P, first_P, segment = distinct(row, item)
        segment_H, segment_R, segment_X = segment[: ends[0]], segment[ends[0] : ends[1]], segment[ends[2] :]
        entries = tf.size(row_P)
        excluded_P = tf.math.unsorted_segment_sum(tf.ones_like(segment_X), segment_X, entries) > 0
        allowed = tf.where((item_P >= 0) & ~excluded_P)[:, 0]

        age_H = tf.cast(tf.gather(batch.time_B, batch.history_row_H) - batch.history_time_H, tf.float32) / DAY_S
        own_PO, weight_H = _own(age_H, segment_H, entries)
        place_P = _place(retrieved_BR, segment_R, entries, self._retrieved)
        own_PO, place_P, row_P, item_P, first_P = (
            tf.gather(a, allowed) for a in (own_PO, place_P, row_P, item_P, first_P)
        )
        every_PE = tf.stack(
            [
                tf.math.log1p(self._features.popularity(item_P, tf.gather(week_B, row_P))),
                tf.gather(self._features.repurchase_I, item_P),
                *self._affinity(batch, weight_H, age_H, item_P, row_P),
                tf.math.log1p(tf.cast(place_P, tf.float32)),
            ],
            axis=1,
        )
        source_P = tf.searchsorted(ends, first_P, side="right")
        return Candidates(item_P, row_P, source_P), inputs(own_PO, every_PE)

    def _affinity(self, batch: Batch, weight_H: Any, age_H: Any, item_P: Any, row_P: Any) -> tuple[Any, Any, Any]:
        """([P] float32 each) of the item's first attribute: log(1 + the shopper's decayed purchases), their share of
        all the shopper's, log(1 + days since the last)."""
        never_P = tf.fill(tf.shape(item_P), math.log1p(NEVER_DAYS))
        if not self._features.attribute_IA.shape[1]:
            return tf.zeros_like(never_P), tf.zeros_like(never_P), never_P
        requests = tf.shape(batch.time_B)[0]
        code_P, code_H = (tf.gather(self._features.attribute_IA, item)[:, 0] for item in (item_P, batch.history_item_H))
        segment_P, segment_H, segments = match_codes(row_P, code_P, batch.history_row_H, code_H, requests, self._codes)
        decayed_P = tf.gather(tf.math.unsorted_segment_sum(weight_H, segment_H, segments), segment_P)
        youngest_P = tf.gather(tf.math.unsorted_segment_min(age_H, segment_H, segments), segment_P)
        total_B = tf.math.unsorted_segment_sum(weight_H, batch.history_row_H, requests)
        decayed_P = tf.where(code_P != MISSING, decayed_P, 0.0)
        share_P = decayed_P / tf.maximum(tf.gather(total_B, row_P), 1e-6)
        last_P = tf.where(decayed_P > 0, tf.math.log1p(tf.maximum(youngest_P, 0.0)), never_P)
        return tf.math.log1p(decayed_P), share_P, last_P


def _own(age_H: Any, segment_H: Any, entries: Any) -> tuple[Any, Any]:
    """([P, O] in the order of preranker.OWN, [H] float32 weight of each event by the first half-life)."""
    weight_HL = 2.0 ** (-age_H[:, None] / tf.constant(HALF_LIVES_DAYS))
    decayed_PL = tf.math.unsorted_segment_sum(weight_HL, segment_H, entries)
    bought_P = decayed_PL[:, :1] > 0
    youngest_P = tf.math.unsorted_segment_min(age_H, segment_H, entries)[:, None]
    last_P = tf.math.log1p(tf.maximum(tf.where(bought_P, youngest_P, 0.0), 0.0))
    return tf.concat([tf.cast(bought_P, tf.float32), tf.math.log1p(decayed_PL), last_P], axis=1), weight_HL[:, 0]


def _place(retrieved_BR: Any, segment_R: Any, entries: Any, most: int) -> Any:
    """[P] int32 place in the towers' list, counted from 1; one more than `most` for what is not in it."""
    rows, width = tf.shape(retrieved_BR)[0], tf.shape(retrieved_BR)[1]
    place = tf.tile(tf.range(1, width + 1), [rows])
    return tf.minimum(tf.math.unsorted_segment_min(place, segment_R, entries), most + 1)


def _flat(item_BR: Any) -> tuple[Any, Any]:
    """(row, item) of a dense list."""
    rows, width = tf.shape(item_BR)[0], tf.shape(item_BR)[1]
    return tf.repeat(tf.range(rows), width), tf.reshape(item_BR, [-1])
