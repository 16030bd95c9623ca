"""Joins inside the graph: which history events speak about which candidate, without a table per shopper."""

from typing import Any

from model.system.legacy_keras import tf

MOST_CODES = 1 << 14
"""Codes up to which a table with a place for each takes less time than a search, and little memory."""


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


def match_codes(row_X: Any, code_X: Any, row_Y: Any, code_Y: Any, rows: Any, codes: int) -> tuple[Any, Any, Any]:
    """As `match`, for values that are codes below `codes`, of `rows` rows: numbered without a search while there are
    few codes."""
    if codes > MOST_CODES:
        return match(row_X, code_X, row_Y, code_Y)
    return row_X * codes + code_X, row_Y * codes + code_Y, rows * codes


def contains(row_X: Any, value_X: Any, row_Y: Any, value_Y: Any) -> Any:
    """[X] bool: whether each (row, value) of X is also in Y."""
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
        row_X: [X] int32 in any order. score_X: [X] float32, no NaN.
    """
    # Bits of a float, the negative ones turned round, rise with it as an integer: one sort orders rows and scores.
    bits_X = tf.bitcast(score_X, tf.int32)
    rising_X = tf.bitwise.bitwise_xor(bits_X, tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits_X, 31), 0x7FFFFFFF))
    key_X = tf.cast(rising_X, tf.int64) - tf.cast(row_X, tf.int64) * (1 << 32)
    order = tf.math.top_k(key_X, tf.size(key_X)).indices
    sorted_row = tf.gather(row_X, order)
    rank = tf.range(tf.size(order)) - tf.searchsorted(sorted_row, sorted_row, side="left")
    return tf.boolean_mask(order, rank < k)


def _key(row: Any, value: Any) -> Any:
    return tf.cast(row, tf.int64) * (1 << 31) + tf.cast(value, tf.int64)
