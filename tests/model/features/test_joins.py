"""Joins inside the graph, on lists short enough to check by eye."""

import numpy as np
import pytest

from model.features.joins import MOST_CODES, contains, distinct, match, match_codes, top_per_row
from model.system.legacy_keras import tf


def test_equal_pairs_share_a_segment_and_others_do_not() -> None:
    segment_X, segment_Y, segments = match(
        tf.constant([0, 0, 1]), tf.constant([7, 8, 7]), tf.constant([1, 0, 1]), tf.constant([7, 7, 9])
    )
    assert int(segments) == 4
    assert segment_X[0] == segment_Y[1] and segment_X[2] == segment_Y[0]
    assert len({*segment_X.numpy().tolist(), *segment_Y.numpy().tolist()}) == 4


def test_contains_asks_for_the_pair_not_for_the_value() -> None:
    contained = contains(
        tf.constant([0, 0, 1, 2]), tf.constant([5, 6, 5, 5]), tf.constant([0, 1, 1]), tf.constant([5, 6, 5])
    )
    assert contained.numpy().tolist() == [True, False, True, False]


def test_contains_nothing_in_nothing() -> None:
    empty = tf.zeros([0], tf.int32)
    assert contains(tf.constant([0]), tf.constant([5]), empty, empty).numpy().tolist() == [False]
    assert contains(empty, empty, tf.constant([0]), tf.constant([5])).shape == [0]


def test_the_largest_values_do_not_run_into_the_next_row() -> None:
    top = 2**31 - 1
    contained = contains(tf.constant([0, 1]), tf.constant([top, 0]), tf.constant([0]), tf.constant([top]))
    assert contained.numpy().tolist() == [True, False]


@pytest.mark.parametrize("codes", [10, MOST_CODES + 1])
def test_codes_match_alike_with_a_table_and_with_a_search(codes: int) -> None:
    segment_X, segment_Y, segments = match_codes(
        tf.constant([0, 0, 1]), tf.constant([7, 8, 7]), tf.constant([1, 0, 1]), tf.constant([7, 7, 9]), 2, codes
    )
    assert segment_X[0] == segment_Y[1] and segment_X[2] == segment_Y[0]
    assert len({*segment_X.numpy().tolist(), *segment_Y.numpy().tolist()}) == 4
    assert max(*segment_X.numpy(), *segment_Y.numpy()) < int(segments)


def test_distinct_keeps_the_first_of_each_pair_in_order() -> None:
    row, value, first, which = distinct(tf.constant([1, 0, 1, 1, 0]), tf.constant([4, 4, 4, 3, 4]))
    assert which.numpy().tolist() == [0, 1, 0, 2, 1]
    assert list(zip(row.numpy().tolist(), value.numpy().tolist(), first.numpy().tolist(), strict=True)) == [
        (1, 4, 0),
        (0, 4, 1),
        (1, 3, 3),
    ]


def test_the_best_of_each_row_come_in_order_of_row_score_and_position() -> None:
    row = tf.constant([1, 0, 1, 1, 0, 3])
    score = tf.constant([0.5, 0.1, 0.9, 0.5, 0.2, 0.0])
    assert top_per_row(row, score, 2).numpy().tolist() == [4, 1, 2, 0, 5]


def test_the_best_of_scores_that_are_all_negative_are_those_nearest_to_zero() -> None:
    """Log-odds are negative, and the bits of a negative float rise as it falls."""
    row = tf.constant([0, 0, 0, 1, 1])
    score = tf.constant([-3.0, -0.5, -200.0, -7.0, -1.0])
    assert top_per_row(row, score, 2).numpy().tolist() == [1, 0, 4, 3]


def test_the_best_agree_with_sorting_each_row() -> None:
    rng = np.random.default_rng(4)
    row, score = rng.integers(0, 7, 300).astype(np.int32), rng.normal(size=300).astype(np.float32)
    expected = [i for r in range(7) for i in sorted(np.flatnonzero(row == r), key=lambda i: -score[i])[:5]]
    assert top_per_row(tf.constant(row), tf.constant(score), 5).numpy().tolist() == expected
