"""Joins inside the graph: which history events speak about which candidate, without a table per shopper."""

from typing import Any

from model.backend import tf


def match(row_X: Any, value_X: Any, row_Y: Any, value_Y: Any) -> tuple[Any, Any, Any]:
    """Gives equal (row, value) pairs of two flat lists the same segment number.

    Args:
        row_X, value_X: [X] int; row_Y, value_Y: [Y] int. Values are below 2^31.

    Returns:
        (segment_X [X] int32, segment_Y [Y] int32, number of segments).
    """
    keys = tf.concat([_key(row_X, value_X), _key(row_Y, value_Y)], axis=0)
    unique, segment = tf.unique(keys)
    split = tf.shape(row_X)[0]
    return segment[:split], segment[split:], tf.size(unique)


def contains(row_X: Any, value_X: Any, row_Y: Any, value_Y: Any) -> Any:
    """[X] bool: whether each (row, value) of X also stands in Y."""
    segment_X, segment_Y, segments = match(row_X, value_X, row_Y, value_Y)
    there = tf.math.unsorted_segment_sum(tf.ones_like(segment_Y), segment_Y, segments)
    return tf.gather(there, segment_X) > 0


def distinct(row_X: Any, value_X: Any) -> tuple[Any, Any, Any, Any]:
    """(row [N], value [N], first position [N]) of the distinct pairs, in order of first appearance, and [X] int32:
    which of them each pair is."""
    unique, segment = tf.unique(_key(row_X, value_X))
    position = tf.range(tf.size(segment))
    first = tf.math.unsorted_segment_min(position, segment, tf.size(unique))
    return tf.gather(row_X, first), tf.gather(value_X, first), first, segment


def top_per_row(row_X: Any, score_X: Any, k: Any) -> Any:
    """[N] positions of the k best scores of each row, rows ascending, best first, ties by position.

    Args:
        row_X: [X] int32 in any order. score_X: [X] float32.
    """
    by_score = tf.argsort(score_X, direction="DESCENDING", stable=True)
    order = tf.gather(by_score, tf.argsort(tf.gather(row_X, by_score), stable=True))
    sorted_row = tf.gather(row_X, order)
    rank = tf.range(tf.size(order)) - tf.searchsorted(sorted_row, sorted_row, side="left")
    return tf.boolean_mask(order, rank < k)


def _key(row: Any, value: Any) -> Any:
    return tf.cast(row, tf.int64) * (1 << 31) + tf.cast(value, tf.int64)
