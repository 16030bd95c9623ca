"""Pairs of one list in another: as a set of tuples has it."""

import numpy as np

from model.data.membership import contains


def test_a_pair_is_contained_only_as_a_whole() -> None:
    row, value = np.array([0, 0, 1, 2]), np.array([5, 6, 5, 6])
    assert contains(row, value, np.array([1, 0]), np.array([5, 6])).tolist() == [False, True, True, False]


def test_rows_and_values_may_be_large_and_of_32_bits() -> None:
    most = np.int32(2**31 - 1)
    row, value = np.array([most, most, 0], np.int32), np.array([most, 0, most], np.int32)
    assert contains(row, value, row[:1], value[:1]).tolist() == [True, False, False]
    assert contains(row, value, row[:0], value[:0]).tolist() == [False, False, False]


def test_it_is_membership_of_tuples() -> None:
    rng = np.random.default_rng(3)
    row_X, value_X, row_Y, value_Y = (rng.integers(0, 9, 60).astype(np.int32) for _ in range(4))
    pairs = set(zip(row_Y.tolist(), value_Y.tolist(), strict=True))
    expected = [pair in pairs for pair in zip(row_X.tolist(), value_X.tolist(), strict=True)]
    assert contains(row_X, value_X, row_Y, value_Y).tolist() == expected
    assert any(expected) and not all(expected)
