"""Powers and logarithms of the kernels against NumPy's in float64, over the whole range of float32."""

import numpy as np
import pytest

from model.kernels.numbers import halved, log1p_row

ULP = 2.0**-23
"""Distance of neighbouring float32 values near 1, as a share."""


def half_lives(age: np.ndarray, days: float) -> np.ndarray:
    weight_H = np.full(len(age), np.nan, np.float32)
    halved(age.astype(np.float32), np.float32(days), np.empty(len(age), np.int32), weight_H)
    return weight_H


def logs(values: np.ndarray) -> np.ndarray:
    row_C = values.astype(np.float32)
    log1p_row(row_C, np.full((2, len(row_C)), np.nan, np.float32))
    return row_C


def test_after_each_half_life_half_is_left_exactly() -> None:
    assert half_lives(np.array([0, 60, 120, 600]), 60).tolist() == [1, 0.5, 0.25, 2.0**-10]


@pytest.mark.parametrize("days", [3.0, 7.0, 60.0, 365.0])
def test_a_weight_is_the_power_of_two_to_the_last_place_or_nearly(days: float) -> None:
    age = np.concatenate([np.linspace(0, 120 * days, 20_001), 10.0 ** np.linspace(-30, 2, 2_000)]).astype(np.float32)
    age = age[age <= 120 * days]
    exact = 2.0 ** -(age / np.float32(days)).astype(np.float64)
    assert np.abs(half_lives(age, days) / exact - 1).max() <= 1.1 * ULP


def test_what_is_very_old_keeps_a_weight_above_nothing() -> None:
    assert half_lives(np.array([126.0, 1e4, 1e30]), 1).tolist() == [2.0**-125] * 3


def test_no_ages_have_no_weights() -> None:
    assert half_lives(np.empty(0), 1).tolist() == []


def test_an_age_below_nothing_weighs_more_than_one() -> None:
    assert half_lives(np.array([-7.0]), 7).tolist() == [2.0]


def test_a_logarithm_is_numpys_to_the_last_place_or_nearly() -> None:
    """From the smallest normal values to the largest, around 1 and where the exponent changes."""
    powers = 2.0 ** np.arange(-126.0, 127.0)
    values = np.concatenate(
        [
            10.0 ** np.linspace(-37, 38, 40_001),
            np.linspace(0, 3, 40_001),
            powers,
            np.nextafter(powers.astype(np.float32), np.float32(0)),
            [1e-30, 1e30, np.finfo(np.float32).max, np.sqrt(2) - 1, 1.0],
        ]
    ).astype(np.float32)
    values = values[values > 0]
    exact = np.log1p(values.astype(np.float64))
    assert np.abs(logs(values) / exact - 1).max() <= 1.1 * ULP


def test_the_logarithm_of_nothing_and_of_what_is_below_it_is_nothing() -> None:
    assert logs(np.array([0.0, -0.0, -1e-30, -0.5, -1.0, -7.0, -1e30])).tolist() == [0.0] * 7


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 33])
def test_a_row_of_any_length_is_computed_as_its_elements_alone(size: int) -> None:
    """Vector instructions and the rest of a row agree to the last bit, and nothing behind the row is written."""
    values = np.random.default_rng(size).exponential(50, size + 3).astype(np.float32)
    row_C = values.copy()
    log1p_row(row_C[:size], np.empty((2, size + 5), np.float32))
    assert row_C[:size].tolist() == [float(logs(values[c : c + 1])[0]) for c in range(size)]
    assert row_C[size:].tolist() == values[size:].tolist()
