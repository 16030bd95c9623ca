"""What a shopper did in the store of the request, against hand-computed values."""

import numpy as np
import pytest

from model.data.batch import Batch
from model.features.matrix import Features
from tests.model.small_catalog import ITEMS, STORES, Ask, batch, small_catalog
from tfx_configs.settings import FeatureSettings

FEATURES = Features(small_catalog(), FeatureSettings())
# (item, day, store): two trips to s1, with the item a twice on the second, and one to s2.
BOUGHT = (("a", 40, "s1"), ("b", 40, "s1"), ("a", 50, "s2"), ("a", 60, "s1"), ("a", 60, "s1"), ("d", 60, "s1"))
NAMES = ("own_here_trip_share", "here_trip_share", "here_basket")


def asked(store: str, bought: tuple[tuple[str, float, str], ...] = BOUGHT) -> Batch:
    """The request on day 70 in a store."""
    where = np.array([STORES.index(name) for *_, name in bought], np.int32)
    return batch(Ask(70, tuple((item, day) for item, day, _ in bought), store))._replace(history_store_H=where)


def values(request: Batch, item: str) -> list[float]:
    """NAMES in that order."""
    row_F = FEATURES(request, np.array([ITEMS.index(item)], np.int32), np.array([1]))[0]
    return [float(row_F[FEATURES.names.index(name)]) for name in NAMES]


IN_S1 = [2 / 3, (5 / 2) / (6 / 3)]
IN_S2 = [1 / 3, 1 / (6 / 3)]
NOWHERE = [0, 0, 1]


@pytest.mark.parametrize(
    ("store", "item", "expected"),
    [
        ("s1", "a", [2 / 2, *IN_S1]),
        ("s1", "b", [1 / 2, *IN_S1]),
        ("s1", "d", [1 / 2, *IN_S1]),
        ("s1", "e", [0, *IN_S1]),
        ("s2", "a", [1, *IN_S2]),
        ("s2", "b", [0, *IN_S2]),
        ("", "a", NOWHERE),
    ],
)
def test_in_a_store_counts_what_was_bought_there(store: str, item: str, expected: list[float]) -> None:
    assert values(asked(store), item) == pytest.approx(expected, rel=1e-5)


def test_without_stores_or_without_a_history_the_shopper_never_was_here() -> None:
    plain = batch(Ask(70, tuple((item, day) for item, day, _ in BOUGHT)))
    assert values(plain, "a") == NOWHERE
    assert values(batch(Ask(70)), "a") == NOWHERE


def test_events_of_unknown_stores_are_not_in_the_unknown_store_of_a_request() -> None:
    assert values(asked("", tuple((item, day, "") for item, day, _ in BOUGHT)), "a") == NOWHERE
