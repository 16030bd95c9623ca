"""The other query tower: what a shopper wants next, by the order and the times of the last events.

A causal self-attention encoder after Kang and McAuley, "Self-Attentive Sequential Recommendation" (ICDM 2018), with the
time between events after Li et al., "Time Interval Aware Self-Attention" (WSDM 2020), and with distances in place of
positions (Shaw et al., NAACL 2018): the last place, which serving reads, means the same as any other.

Shape legend: B requests, R recent events, L half-lives, D shopper attributes, G gaps of time, h heads, d width of the
vectors.
"""

import math
from collections.abc import Sequence

from model.api import RECENT_EVENTS
from model.features.recent import TASTE_DAYS, Recent
from model.networks.attribute_embedding import AttributeEmbedding
from model.networks.two_tower import USER_WIDTH, ItemTower
from model.system.legacy_keras import Tensor, tf

BLOCKS, HEADS = 2, 2
DROPOUT = 0.2
"""Share of the values that training leaves out at random."""
GAPS = 16
"""Vectors of a gap of time: the nth is that of 2^n - 1 hours, and between two of them it is in between."""
_FADED = 2.0**-120
"""Nearly the smallest weight (model/kernels/numbers.py): what is older is read from the longest half-life."""
_NEVER = -1e9


class SequenceTower(tf.Module):
    """Events in their order, the time between them, and until the moment that is asked about; shopper attributes."""

    def __init__(self, items: ItemTower, user_attribute_sizes: Sequence[int], dimension: int) -> None:
        super().__init__(name="sequence_tower")
        layers = tf.keras.layers
        self._items = items
        self._gap, self._ahead = (layers.Dense(dimension, use_bias=False) for _ in range(2))
        self._blocks = [Block(dimension) for _ in range(BLOCKS)]
        self._norm = Norm(dimension)
        self._attributes = AttributeEmbedding(user_attribute_sizes, USER_WIDTH)
        self._out = layers.Dense(dimension)

    @property
    def items(self) -> ItemTower:
        return self._items

    def __call__(self, recent: Recent) -> Tensor:
        """[B, d] unit vectors."""
        return self._encoded(recent, last=True, training=False)[:, 0]

    def learned(self, recent: Recent, training: bool) -> Tensor:
        """[B * R, d] unit vectors of what is asked after each event, at the moment of the next one."""
        every_BRd = self._encoded(recent, last=False, training=training)
        return tf.reshape(every_BRd, [-1, every_BRd.shape[-1]])

    def _encoded(self, recent: Recent, last: bool, training: bool) -> Tensor:
        """[B, R, d], of the last event alone [B, 1, d]."""
        there_BR = tf.cast(recent.weight_BRL[:, :, -1] > 0, tf.float32)
        age_BR = event_ages(recent.weight_BRL) * there_BR
        ahead_BR = age_BR - tf.concat([age_BR[:, 1:], tf.zeros_like(age_BR[:, :1])], axis=1)
        since_BR = tf.concat([tf.zeros_like(age_BR[:, :1]), ahead_BR[:, :-1]], axis=1)
        content_BRd = self._items.content(recent.vocabulary_BR, recent.attribute_BRA)
        x_BRd = (content_BRd + self._gap(gaps(since_BR))) * there_BR[:, :, None]
        x_BRd = dropped(x_BRd, training)
        for n, block in enumerate(self._blocks):
            x_BRd = block(x_BRd, there_BR, last and n == len(self._blocks) - 1, training)
        ahead_BRd = self._ahead(gaps(ahead_BR[:, -1:] if last else ahead_BR))
        user_BRw = self._attributes.side_by_side(recent.user_BD)[:, None, :] + tf.zeros_like(ahead_BRd[:, :, :1])
        parts = [self._norm(x_BRd), ahead_BRd, user_BRw]
        return tf.math.l2_normalize(self._out(tf.concat(parts, axis=2)), axis=2)


class Block(tf.Module):
    """Causal self-attention, then a small network at each place; both are added to what comes in."""

    def __init__(self, dimension: int) -> None:
        super().__init__(name="block")
        dense = tf.keras.layers.Dense
        self._width = dimension // HEADS
        self._norms = [Norm(dimension), Norm(dimension)]
        self._query, self._key, self._value = (dense(HEADS * self._width) for _ in range(3))
        self._together, self._inner, self._outer = dense(dimension), dense(2 * dimension, "relu"), dense(dimension)
        self._distance = tf.Variable(tf.zeros([RECENT_EVENTS, HEADS]), name="distance")

    def __call__(self, x_BRd: Tensor, there_BR: Tensor, last: bool, training: bool) -> Tensor:
        """[B, R, d], of the last place alone [B, 1, d]. there_BR: 1 where there is an event."""
        places, normed_BRd = tf.shape(x_BRd)[1], self._norms[0](x_BRd)
        from_Q = tf.range(places)[-1:] if last else tf.range(places)
        back_QR = from_Q[:, None] - tf.range(places)[None, :]
        bias_hQR = tf.transpose(tf.gather(self._distance, tf.clip_by_value(back_QR, 0, RECENT_EVENTS - 1)), [2, 0, 1])
        # An empty place is seen from itself, so that no softmax is over nothing.
        seen_BQR = tf.logical_or((back_QR >= 0)[None] & (there_BR > 0)[:, None, :], (back_QR == 0)[None])
        asked_BQd = normed_BRd[:, -1:] if last else normed_BRd
        query, key, value = self._query(asked_BQd), self._key(normed_BRd), self._value(normed_BRd)
        query, key, value = (self._heads(values) for values in (query, key, value))
        logit_BhQR = tf.matmul(query, key, transpose_b=True) / math.sqrt(self._width) + bias_hQR
        logit_BhQR = tf.where(seen_BQR[:, None], logit_BhQR, _NEVER)
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(logit_BhQR), value), [0, 2, 1, 3])
        mixed_BQd = tf.reshape(mixed, [*tf.unstack(tf.shape(mixed)[:2]), HEADS * self._width])
        x_BQd = (x_BRd[:, -1:] if last else x_BRd) + dropped(self._together(mixed_BQd), training)
        return x_BQd + dropped(self._outer(self._inner(self._norms[1](x_BQd))), training)

    def _heads(self, values: Tensor) -> Tensor:
        """[B, h, places, width of a head]."""
        return tf.transpose(tf.reshape(values, [*tf.unstack(tf.shape(values)[:2]), HEADS, self._width]), [0, 2, 1, 3])


class Norm(tf.Module):
    """Layer normalisation."""

    def __init__(self, dimension: int) -> None:
        super().__init__(name="norm")
        self._scale_d = tf.Variable(tf.ones(dimension), name="scale")
        self._shift_d = tf.Variable(tf.zeros(dimension), name="shift")

    def __call__(self, x: Tensor) -> Tensor:
        """[..., d]."""
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        return centred * tf.math.rsqrt(variance + 1e-6) * self._scale_d + self._shift_d


def event_ages(weight_BRL: Tensor) -> Tensor:
    """[B, R] days, from what the events' weights are halved to; not to be used where there is no event."""
    short_BR, long_BR = tf.maximum(weight_BRL[:, :, 0], _FADED), tf.maximum(weight_BRL[:, :, -1], _FADED)
    days_BR, longer_BR = (
        -life * tf.math.log(weight_BR) / math.log(2.0)
        for life, weight_BR in ((TASTE_DAYS[0], short_BR), (TASTE_DAYS[-1], long_BR))
    )
    return tf.where(short_BR > _FADED, days_BR, longer_BR)


def gaps(days_BR: Tensor) -> Tensor:
    """[B, R, G] the shares of the vectors of a gap that it consists of; at most two are above 0."""
    place_BR = tf.math.log(1.0 + 24.0 * tf.maximum(days_BR, 0.0)) / math.log(2.0)
    place_BR = tf.minimum(place_BR, GAPS - 1.0)
    return tf.nn.relu(1.0 - tf.abs(place_BR[:, :, None] - tf.range(GAPS, dtype=tf.float32)))


def dropped(values: Tensor, training: bool) -> Tensor:
    """The values, some of them 0 in training."""
    return tf.nn.dropout(values, DROPOUT, seed=3) if training else values
