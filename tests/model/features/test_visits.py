"""What a shopper did in the store of the request, and what was paid, against hand-computed values."""

import math

import numpy as np
import pytest

from model.data.batch import Batch
from model.features.matrix import Features
from tests.model.small_catalog import ITEMS, STORES, Ask, batch, small_catalog
from tfx_configs.settings import FeatureSettings

FEATURES = Features(small_catalog(), FeatureSettings())
# (item, day, store, pieces, price paid): two trips to s1, with the item a twice on the second, and one to s2.
BOUGHT = (
    ("a", 40, "s1", 2, 1.0),
    ("b", 40, "s1", 1, 0.0),
    ("a", 50, "s2", 1, 9.0),
    ("a", 60, "s1", 3, 1.5),
    ("a", 60, "s1", 1, 0.0),
    ("d", 60, "s1", 0.5, 3.0),
)
NAMES = (
    *("own_here_trip_share", "own_here_share", "own_here_last_days", "own_quantity", "own_paid_change"),
    *("here_trip_share", "here_last_days", "here_basket"),
)


def asked(store: str, bought: tuple[tuple[str, float, str, float, float], ...] = BOUGHT) -> Batch:
    """The request on day 70 in a store."""
    return batch(Ask(70, tuple((item, day) for item, day, *_ in bought), store))._replace(
        history_store_H=np.array([STORES.index(where) for _, _, where, _, _ in bought], np.int32),
        history_quantity_H=np.array([pieces for *_, pieces, _ in bought], np.float32),
        history_price_H=np.array([paid for *_, paid in bought], np.float32),
    )


def values(request: Batch, item: str) -> list[float]:
    """NAMES in that order."""
    row_F = FEATURES(request, np.array([ITEMS.index(item)], np.int32), np.array([1]))[0]
    return [float(row_F[FEATURES.names.index(name)]) for name in NAMES]


# The log prices of a, b and d are 0.5, 1.0 and 1.5; that of e is not known.
IN_S1 = [2 / 3, 10, (5 / 2) / (6 / 3)]
IN_S2 = [1 / 3, 20, 1 / (6 / 3)]
NOWHERE = [0, 1000, 1]


@pytest.mark.parametrize(
    ("store", "item", "expected"),
    [
        ("s1", "a", [2 / 2, 3 / 4, 10, 7 / 4, math.log(2.5) - 0.5, *IN_S1]),
        ("s1", "b", [1 / 2, 1, 30, 1, 0, *IN_S1]),
        ("s1", "d", [1 / 2, 1, 10, 0.5, math.log(4) - 1.5, *IN_S1]),
        ("s1", "e", [0, 0, 1000, 0, 0, *IN_S1]),
        ("s2", "a", [1, 1 / 4, 20, 7 / 4, math.log(2.5) - 0.5, *IN_S2]),
        ("s2", "b", [0, 0, 1000, 1, 0, *IN_S2]),
        ("", "a", [0, 0, 1000, 7 / 4, math.log(2.5) - 0.5, *NOWHERE]),
    ],
)
def test_in_a_store_counts_what_was_bought_there(store: str, item: str, expected: list[float]) -> None:
    assert values(asked(store), item) == pytest.approx(expected, rel=1e-5)


def test_what_is_not_known_has_its_defined_value() -> None:
    """No store, no quantity and no price in the history; then no history."""
    plain = batch(Ask(70, tuple((item, day) for item, day, *_ in BOUGHT)))
    assert values(plain, "a") == [0, 0, 1000, 1, 0, *NOWHERE]
    assert values(batch(Ask(70)), "a") == [0, 0, 1000, 0, 0, *NOWHERE]


def test_events_of_unknown_stores_are_not_in_the_unknown_store_of_a_request() -> None:
    unknown = tuple((item, day, "", pieces, paid) for item, day, _, pieces, paid in BOUGHT)
    assert values(asked("", unknown), "a")[-3:] == NOWHERE


def test_what_costs_nothing_that_is_known_has_no_level_to_be_compared_with() -> None:
    paid = values(asked("s1", (("e", 40, "s1", 1, 2.0),)), "e")
    assert paid[NAMES.index("own_paid_change")] == 0 and paid[NAMES.index("own_here_share")] == 1
