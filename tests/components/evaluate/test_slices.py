"""Hand-computed slice values of a handful of trips."""

import numpy as np
import pandas as pd
import pytest

from components.evaluate.slices import slice_values
from components.examples.catalog import build_catalog
from model.data import columns as c
from model.data.catalog import Catalog
from model.evaluation.next_basket_task import Task
from tests.trips_of_events import build_trips
from tfx_configs import recipes

CUT = pd.Timestamp("2020-03-02")
ITEM_IDS = np.array([f"i{i:02d}" for i in range(20)], dtype=object)
ITEMS = pd.DataFrame(
    {c.ITEM: ITEM_IDS, "department": [f"d{i % 5}" for i in range(20)], "brand": [f"b{i % 2}" for i in range(20)]}
)


def events() -> pd.DataFrame:
    """Shoppers 0..3 have 5, 6, 8 and 10 earlier trips, the last one 1, 7, 30 and 8 days before their test trip."""
    rows = []
    baskets = [[0, 5, 1], [1, 2, 6, 7, 11], list(range(15)), [4]]
    for shopper, (trips, gap) in enumerate([(5, 1), (6, 7), (8, 30), (10, 8)]):
        test_day = CUT + pd.Timedelta(days=7 * (shopper // 2))
        for trip in range(trips):
            rows.append((f"u{shopper}", test_day - pd.Timedelta(days=gap + trip), f"{shopper}{trip}", "i00", "s0"))
        store = "s1" if shopper == 3 else "s0"
        rows += [(f"u{shopper}", test_day, f"{shopper}test", ITEM_IDS[i], store) for i in baskets[shopper]]
    return pd.DataFrame(rows, columns=[c.USER, c.TIME, c.BASKET, c.ITEM, c.STORE]).assign(**{c.PRICE: 1.0})


def world(table: pd.DataFrame, users: pd.DataFrame | None = None) -> tuple[Task, Catalog]:
    trips = build_trips(table, ITEM_IDS, int(CUT.timestamp()), max_history=100)
    catalog = build_catalog(trips, trips.event_price_E, ITEMS, users, (), recipes.fast())
    return Task(trips=trips, trip_N=trips.first_test_trips(), digest=""), catalog


@pytest.fixture(scope="module")
def slices() -> dict[str, list[str]]:
    task, catalog = world(events(), pd.DataFrame({c.USER: ["u0", "u1"], "age": ["40", None]}))
    return {name: values.tolist() for name, values in slice_values(task, catalog, ITEMS, top_values=2).items()}


def test_shoppers_are_new_or_in_terciles_of_their_earlier_trips(slices: dict[str, list[str]]) -> None:
    assert slices["shopper"] == ["new", "light", "medium", "heavy"]


def test_activity_is_the_days_since_the_last_trip(slices: dict[str, list[str]]) -> None:
    assert slices["activity"] == ["under 7 days", "7 to 27 days", "28 or more days", "7 to 27 days"]


def test_baskets_are_small_medium_or_large(slices: dict[str, list[str]]) -> None:
    assert slices["basket"] == ["under 5 items", "5 to 14 items", "15 or more items", "under 5 items"]


def test_an_errand_is_mostly_repeats_or_mostly_new(slices: dict[str, list[str]]) -> None:
    # Everybody bought only i00 before; it is one of three, none of five, one of fifteen and none of one.
    assert slices["errand"] == ["mostly new"] * 4


def test_half_of_the_basket_bought_before_is_mostly_repeats() -> None:
    table = events()
    keep = (table[c.BASKET] != "0test") | table[c.ITEM].isin(["i00", "i05"])
    assert slice_values(*world(table[keep]), ITEMS, 2)["errand"].tolist() == ["mostly repeats"] + ["mostly new"] * 3


def test_weeks_are_iso_weeks_and_stores_keep_their_name(slices: dict[str, list[str]]) -> None:
    assert slices["week"] == ["2020-W10", "2020-W10", "2020-W11", "2020-W11"]
    assert slices["store"] == ["s0", "s0", "s0", "s1"]


def test_the_department_is_what_most_of_the_basket_is_with_rare_ones_together(slices: dict[str, list[str]]) -> None:
    # d0, d1, a tie of d0 to d4 that the name decides, d4; only two keep their name.
    assert slices["department"] == ["d0", "d1", "d0", "other"]


def test_demographics_are_missing_without_a_row_or_with_an_empty_one(slices: dict[str, list[str]]) -> None:
    assert slices["demographics_missing"] == ["no", "yes", "yes", "yes"]


def test_slicings_that_the_data_cannot_support_are_left_out() -> None:
    task, catalog = world(events().assign(**{c.STORE: ""}))
    slicings = slice_values(task, catalog, ITEMS[[c.ITEM, "brand"]], top_values=2)
    assert set(slicings) == {"shopper", "activity", "basket", "errand", "week"}


def test_a_trip_at_the_same_moment_is_not_an_earlier_one_and_one_a_second_before_is() -> None:
    table = events()
    again = table[table[c.BASKET] == "0test"].assign(**{c.BASKET: "0again"})
    task, catalog = world(pd.concat([table, again]))
    assert slice_values(task, catalog, ITEMS, 2)["shopper"][0] == "new"
    task, catalog = world(pd.concat([table, again.assign(**{c.TIME: again[c.TIME] - pd.Timedelta(seconds=1)})]))
    assert slice_values(task, catalog, ITEMS, 2)["shopper"][0] == "light"
