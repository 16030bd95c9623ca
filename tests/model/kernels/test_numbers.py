"""Powers and logarithms against NumPy's in double precision."""

import numpy as np
import pytest

from model.kernels.numbers import halved, inner, log1p_row


def test_what_is_halved_is_exact_to_the_last_place() -> None:
    age_H = np.concatenate([np.linspace(0, 900, 997), [7.0, 14.0, 1e6]]).astype(np.float32)
    weight_H = np.empty(len(age_H), np.float32)
    halved(age_H, np.float32(7), np.empty(len(age_H), np.int32), weight_H)
    expected_H = 2.0 ** np.maximum(-(age_H / np.float32(7)).astype(np.float64), -125)
    assert np.all(np.abs(weight_H - expected_H) <= np.spacing(expected_H.astype(np.float32)))
    assert weight_H[-3:-1].tolist() == [0.5, 0.25]


def test_logarithms_are_exact_to_the_last_place_and_of_what_is_negative_zero() -> None:
    x_C = np.concatenate([np.logspace(-8, 8, 999), [0, -3]]).astype(np.float32)
    row_C = x_C.copy()
    log1p_row(row_C, np.empty((2, len(x_C)), np.float32))
    expected_C = np.log1p(np.maximum(x_C, 0).astype(np.float64))
    assert np.all(np.abs(row_C - expected_C) <= 2 * np.spacing(expected_C.astype(np.float32)))
    assert row_C[-2:].tolist() == [0, 0]


@pytest.mark.parametrize("length", [0, 1, 7, 64])
def test_an_inner_product_of_whole_numbers_is_exact(length: int) -> None:
    a_d = np.arange(length, dtype=np.float32)
    assert inner(a_d, a_d) == sum(i * i for i in range(length))
