"""Which promotions run for an item in a store at a time: all kinds in one binary search.

Shape legend: C candidates, P promotion stretches, N moments at which something changes, K kinds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from model.data.catalog import MISSING, MOST_KINDS, Promotions
from model.system.legacy_keras import tf
from tfx_configs.units import HOUR_S

HOURS = 1 << 20
"""More than the hours since 1970 until the year 2089: (place, hour) packs into one sortable int64."""


def changes(promotions: Sequence[Promotions], items: int) -> tuple[np.ndarray, np.ndarray]:
    """(key [N] int64 ascending, mask [N] uint8): from this (place, hour) on, these kinds run in this place.

    A place is store * items + item. Stretches of one kind are joined where they overlap; then each start and each end
    turns the kind's bit over, so that the mask at a moment is the exclusive or of all turns up to it. Every place ends
    with nothing running.
    """
    keys, bits = [np.array([-1])], [np.zeros(1, np.uint8)]
    for number, kind in enumerate(promotions):
        place_P = kind.store_P.astype(np.int64) * items + kind.item_P
        # end_hour_P is the latest end so far: a stretch that starts after it is separate from those before.
        apart_P = np.ones(len(place_P), bool)
        apart_P[1:] = (place_P[1:] != place_P[:-1]) | (kind.start_hour_P[1:] > kind.end_hour_P[:-1])
        first = np.flatnonzero(apart_P)
        last = np.append(first[1:], len(place_P))[: len(first)] - 1
        turns = [place_P[first] * HOURS + kind.start_hour_P[first], place_P[last] * HOURS + kind.end_hour_P[last]]
        keys += turns
        bits += [np.full(2 * len(first), 1 << number, np.uint8)]
    key, bit = np.concatenate(keys), np.concatenate(bits)
    order = np.argsort(key, kind="stable")
    key, mask = key[order], np.bitwise_xor.accumulate(bit[order])
    settled = np.append(key[1:] != key[:-1], True)
    return key[settled], mask[settled]


class PromotionCalendar(tf.Module):
    """Finds the running kinds of (store, item, time): in mask_N, at the last key of key_N that is not later."""

    def __init__(self, promotions: Sequence[Promotions], items: int) -> None:
        super().__init__(name="promotions")
        assert len(promotions) <= MOST_KINDS
        self.kinds = tuple(p.kind for p in promotions)
        self._items = items
        self._in_all_stores = any((p.store_P == MISSING).any() for p in promotions)
        key, mask = changes(promotions, items)
        self.key_N = tf.Variable(key, trainable=False, name="key")
        self.mask_N = tf.Variable(mask, trainable=False, name="mask")

    def __call__(self, store_C: Any, item_C: Any, time_C: Any) -> Any:
        """[C, K] float32, the kinds in their order: 1 where it runs in this store or in all stores."""
        if not self.kinds:
            return tf.zeros([tf.size(item_C), 0])
        mask_C = tf.where(store_C != MISSING, self._running(store_C, item_C, time_C), 0)
        if self._in_all_stores:
            everywhere_C = self._running(tf.fill(tf.shape(store_C), MISSING), item_C, time_C)
            mask_C = tf.bitwise.bitwise_or(mask_C, everywhere_C)
        bit_K = tf.constant([1 << number for number in range(len(self.kinds))])
        return tf.cast(tf.bitwise.bitwise_and(mask_C[:, None], bit_K) > 0, tf.float32)

    def _running(self, store_C: Any, item_C: Any, time_C: Any) -> Any:
        place_C = tf.cast(store_C, tf.int64) * self._items + tf.cast(item_C, tf.int64)
        at_C = tf.searchsorted(self.key_N, place_C * HOURS + time_C // HOUR_S, side="right") - 1
        return tf.cast(tf.gather(self.mask_N, at_C), tf.int32)
