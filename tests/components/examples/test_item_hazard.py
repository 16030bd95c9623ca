"""How soon products are bought again, with hand-computed rates."""

import numpy as np
import pytest

from components.examples.item_hazard import item_hazard
from model.data.catalog import GAP_DAYS, MISSING
from tfx_configs.units import DAY_S

TYPE_I = np.array([2, 2, 3, MISSING])
"""Of items 0 to 3; item 3 was never bought."""
BOUGHT = ((0, 1, 0), (0, 1, 3), (0, 1, 23), (1, 2, 0), (2, 1, 60))
"""(item, shopper, day)."""


def hazard(*bought: tuple[int, int, int], until_day: int = 100) -> np.ndarray:
    item_E, user_E, day_E = np.array(bought, np.int64).reshape(-1, 3).T
    return item_hazard(item_E.astype(np.int32), user_E.astype(np.int32), day_E * DAY_S, TYPE_I, until_day * DAY_S)


def test_repeat_purchases_count_over_the_days_waited_towards_type_and_overall() -> None:
    """Up to 4 days: item 0 was waited for 3, 4 and 4 days, and bought again once; items 1 and 2 4 days in vain.

    Overall 1/19; items 0 and 1 are one type: (1 + 5) / (15 + 5 * 19) = 6/110, item 2 another: 5 / (4 + 5 * 19) = 5/99.
    """
    assert GAP_DAYS == (4, 10, 18, 32, 60)
    first_I = hazard(*BOUGHT)[:, 0]
    expected = [6 / (11 + 5 * 110 / 6), 5 / (4 + 5 * 110 / 6), 5 / (4 + 5 * 99 / 5), 1 / 19]
    assert first_I == pytest.approx(expected)


def test_a_wait_counts_in_each_stretch_that_it_lasted_through() -> None:
    """19 to 32 days: item 0 again after 20 days (2 days in it), then 14 days in vain; items 1 and 2 14 days in vain."""
    overall, of_type = 1 / 44, 6 / (30 + 5 * 44)
    later_I = hazard(*BOUGHT)[:, 3]
    assert later_I[0] == pytest.approx(6 / (16 + 5 / of_type))
    assert later_I[3] == pytest.approx(overall)


def test_where_nothing_was_bought_again_there_is_no_hazard() -> None:
    assert not hazard(*BOUGHT)[:, [1, 2, 4, 5]].any()
    assert not hazard().any()


def test_neither_the_order_of_purchases_nor_one_twice_at_a_moment_matters() -> None:
    assert np.array_equal(hazard(*BOUGHT[::-1], BOUGHT[0], BOUGHT[4]), hazard(*BOUGHT))


def test_a_wait_that_ends_on_the_last_day_of_a_stretch_ends_in_it() -> None:
    """Again after 4 days exactly; two waits of 4 days and the rest of the 2nd up to day 8: 1 / (4 + 4)."""
    assert hazard((0, 1, 0), (0, 1, 4), until_day=8)[3].tolist() == pytest.approx([1 / 8, 0, 0, 0, 0, 0])
