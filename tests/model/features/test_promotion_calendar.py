from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from components.examples.promotions import build_promotions
from model.features.promotion_calendar import PromotionCalendar, changes
from tests.model.small_catalog import ITEMS, STORES, promotion
from tests.worlds import seconds


def test_each_start_and_end_of_either_kind_is_one_change() -> None:
    """Store s1 is 1 and item b is 1 of five items: place 6."""
    mailer = promotion("mailer", ("s1", "b", 70, 77))
    display = promotion("display", ("s1", "b", 72, 80))
    key_N, mask_N = changes((mailer, display), items=5)
    hours = [(key - (6 << 20)) * 3600 for key in key_N[1:]]
    assert hours == [seconds(day) for day in (70, 72, 77, 80)]
    assert mask_N.tolist() == [0, 0b01, 0b11, 0b10, 0b00]


def test_stretches_that_overlap_or_touch_are_one() -> None:
    mailer = promotion("mailer", ("s1", "b", 70, 77), ("s1", "b", 77, 80))
    assert changes((mailer,), items=5)[1].tolist() == [0, 1, 0]


def test_an_empty_calendar_has_no_kinds() -> None:
    assert PromotionCalendar((), 5)(np.array([1]), np.array([1]), np.array([seconds(70)])).shape == (1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_what_runs_is_what_looking_through_all_stretches_finds(seed: int) -> None:
    """Random stretches, many of them overlapping, through the code that builds the catalog's promotions."""
    rng = np.random.default_rng(seed)
    world = SimpleNamespace(store_ids=np.array(STORES, object), item_ids=np.array(list(ITEMS), object))
    tables = {}
    for kind in ("display", "mailer"):
        start = rng.integers(0, 60, 80)
        tables[kind] = pd.DataFrame(
            {
                "item_id": rng.choice(list(ITEMS), 80),
                "store_id": rng.choice(STORES, 80),
                "start": pd.to_datetime([seconds(day) for day in start], unit="s"),
                "end": pd.to_datetime([seconds(day) for day in start + rng.integers(1, 9, 80)], unit="s"),
            }
        )
    calendar = PromotionCalendar(build_promotions(tables.items(), world), len(ITEMS))  # type: ignore[arg-type]
    store, item, day = rng.integers(0, 3, 400), rng.integers(0, 5, 400), rng.integers(0, 70, 400)
    values = calendar(store.astype(np.int32), item.astype(np.int32), np.array([seconds(d) for d in day])).numpy()
    for kind, table in tables.items():
        begin, end = table["start"].to_numpy(), table["end"].to_numpy()
        for n in range(400):
            now = np.datetime64(seconds(day[n]), "s")
            here = table["store_id"].isin({STORES[store[n]], ""}).to_numpy() & (table["item_id"] == ITEMS[item[n]])
            expected = bool((here & (begin <= now) & (now < end)).any())
            assert bool(values[n, calendar.kinds.index(kind)]) == expected
