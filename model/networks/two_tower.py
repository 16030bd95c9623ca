"""Two towers: a shopper at a moment and a product as vectors whose inner product measures how well they fit.

After Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations" (RecSys 2019).

Shape legend: B requests, H history events, N items, d width of the vectors.
"""

import math

from model.api import RECENT_EVENTS
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.system.legacy_keras import Tensor, tf
from tfx_configs.units import DAY_S

TASTE_HALF_LIVES_DAYS = (3.0, 30.0, 180.0)
"""The history is summed three times: what was bought lately, this month, all along."""


class ItemTower(tf.Module):
    """Id, shared below the frequency floor, plus attributes: a new item is placed by its attributes."""

    def __init__(self, catalog: Catalog, dimension: int) -> None:
        super().__init__(name="item_tower")
        self._attribute_IA = tf.Variable(catalog.attribute_IA, trainable=False, name="attributes")
        self._vocabulary_I = tf.Variable(catalog.vocabulary_I, trainable=False, name="vocabulary")
        self._identity = tf.keras.layers.Embedding(catalog.vocabulary_size, dimension)
        self._attributes = [tf.keras.layers.Embedding(size, dimension) for size in catalog.attribute_sizes]
        self._mix = tf.keras.Sequential(
            [tf.keras.layers.Dense(2 * dimension, activation="relu"), tf.keras.layers.Dense(dimension)]
        )

    def content(self, item_N: Tensor) -> Tensor:
        """[N, d]: sum of the item's embeddings; also what a history is summed from."""
        total = self._identity(tf.gather(self._vocabulary_I, item_N))
        code_NA = tf.gather(self._attribute_IA, item_N)
        for a, embedding in enumerate(self._attributes):
            total += embedding(code_NA[:, a])
        return total

    def __call__(self, item_N: Tensor) -> Tensor:
        """[N, d] unit vectors."""
        content = self.content(item_N)
        return tf.math.l2_normalize(content + self._mix(content), axis=1)


class QueryTower(tf.Module):
    """Decayed history, shopper attributes and time of the week. No shopper id: a new shopper needs no training."""

    half_lives_days: tuple[float, ...] = TASTE_HALF_LIVES_DAYS

    def __init__(self, catalog: Catalog, items: ItemTower, dimension: int) -> None:
        super().__init__(name="query_tower")
        self._items = items
        self._user_attribute_UD = tf.Variable(catalog.user_attribute_UD, trainable=False, name="user_attributes")
        self._attributes = [tf.keras.layers.Embedding(size, 8) for size in catalog.user_attribute_sizes]
        self._mix = tf.keras.Sequential(
            [tf.keras.layers.Dense(4 * dimension, activation="relu"), tf.keras.layers.Dense(dimension)]
        )

    def __call__(self, batch: Batch) -> Tensor:
        """[B, d] unit vectors."""
        requests = tf.shape(batch.time_B)[0]
        batch = _recent(batch, requests)
        age_H = tf.cast(tf.gather(batch.time_B, batch.history_row_H) - batch.history_time_H, tf.float32) / DAY_S
        content_Hd = self._items.content(batch.history_item_H)
        parts = [_moment(batch.time_B)]
        for half_life in self.half_lives_days:
            weight_H1 = (2.0 ** (-age_H / half_life))[:, None]
            total_Bd = tf.math.unsorted_segment_sum(weight_H1 * content_Hd, batch.history_row_H, requests)
            weight_B1 = tf.math.unsorted_segment_sum(weight_H1, batch.history_row_H, requests)
            parts += [total_Bd / (weight_B1 + 1e-3), tf.math.log1p(weight_B1)]
        codes_BD = tf.gather(self._user_attribute_UD, batch.user_B)
        parts += [embedding(codes_BD[:, i]) for i, embedding in enumerate(self._attributes)]
        return tf.math.l2_normalize(self._mix(tf.concat(parts, axis=1)), axis=1)


def _recent(batch: Batch, requests: Tensor) -> Batch:
    """The batch with only the last RECENT_EVENTS of each history."""
    row_H = batch.history_row_H
    end_B = tf.cumsum(tf.math.unsorted_segment_sum(tf.ones_like(row_H), row_H, requests))
    recent = tf.gather(end_B, row_H) - tf.range(tf.size(row_H)) <= RECENT_EVENTS
    return batch._replace(
        history_item_H=tf.boolean_mask(batch.history_item_H, recent),
        history_time_H=tf.boolean_mask(batch.history_time_H, recent),
        history_row_H=tf.boolean_mask(row_H, recent),
    )


def _moment(time_B: Tensor) -> Tensor:
    """[B, 4]: time of day and day of week on circles."""
    days = tf.cast(time_B % (7 * DAY_S), tf.float32) / DAY_S
    angles = [2 * math.pi * days, 2 * math.pi / 7 * days]
    return tf.stack([f(angle) for angle in angles for f in (tf.sin, tf.cos)], axis=1)
