import math

import numpy as np
import pytest

from model.evaluation.clustered_errors import Estimate, list_overlap, ratio, sum_se


def test_the_error_of_a_ratio_takes_a_shoppers_trips_together() -> None:
    estimate = ratio(np.array([1.0, 3.0, 0.0]), np.ones(3), np.array(["a", "a", "b"]))
    assert estimate.value == pytest.approx(4 / 3)
    # Residuals: a 4 - 8/3 = 4/3, b 0 - 4/3; sqrt(2 / 1 * 2 * 16/9) / 3 = 8/9.
    assert estimate.se == pytest.approx(8 / 9)


def test_nothing_is_concluded_from_one_shopper_or_from_nothing() -> None:
    assert ratio(np.array([1.0, 2.0]), np.ones(2), np.array(["a", "a"])).se == math.inf
    assert math.isnan(ratio(np.zeros(0), np.zeros(0), np.zeros(0)).value)
    assert sum_se(np.zeros(0), np.zeros(0)) == math.inf


def test_an_interval_is_two_standard_errors_to_both_sides() -> None:
    estimate = Estimate(value=1.0, se=0.5)
    assert (estimate.low, estimate.high) == (pytest.approx(0.02, abs=1e-3), pytest.approx(1.98, abs=1e-3))


def test_lists_overlap_by_the_share_of_items_that_a_pair_has_in_common() -> None:
    assert list_overlap([("a", "b"), ("a", "c"), ("c", "d")]) == pytest.approx(1 / 3)
    assert list_overlap([]) == 0.0
