"""Promotion stretches as sorted arrays, by pencil."""

import numpy as np
import pandas as pd

from components.examples.promotions import build_promotions
from components.examples.trips import build_trips
from model import columns as c
from model.trips import Trips
from tests.worlds import at, purchases, seconds

HOUR_0 = seconds(0) // 3600


def trips() -> Trips:
    events = purchases(("u1", 0, "a b"), ("u1", 1, "a")).assign(**{c.STORE: ["s1", "s1", "s2"]})
    return build_trips(events, np.array(["a", "b"], dtype=object), seconds(1), 10)


def stretches(*rows: tuple[str, str, float, float, str]) -> pd.DataFrame:
    """(item, store, first day, last day, kind)"""
    columns = [c.ITEM, c.STORE, c.START, c.END, c.KIND]
    return pd.DataFrame([(i, s, at(a), at(b), k) for i, s, a, b, k in rows], columns=columns)


def test_stretches_are_sorted_by_store_item_and_start() -> None:
    table = stretches(("b", "s2", 3, 4, "x"), ("a", "s2", 5, 6, "x"), ("a", "s2", 1, 2, "x"), ("a", "", 2, 3, "x"))
    (found,) = build_promotions(table, trips())
    assert found.kind == "x"
    assert found.store_P.tolist() == [0, 2, 2, 2]
    assert found.item_P.tolist() == [0, 0, 0, 1]
    assert (found.start_hour_P - HOUR_0).tolist() == [48, 24, 120, 72]
    assert (found.end_hour_P - HOUR_0).tolist() == [72, 48, 144, 96]


def test_an_end_is_the_latest_of_all_stretches_that_began_before_it() -> None:
    """A long stretch from day 1 to day 9 holds two short ones; another item starts afresh."""
    table = stretches(("a", "s1", 1, 9, "x"), ("a", "s1", 2, 3, "x"), ("a", "s1", 4, 5, "x"), ("b", "s1", 2, 3, "x"))
    (found,) = build_promotions(table, trips())
    assert ((found.end_hour_P - HOUR_0) / 24).tolist() == [9, 9, 9, 3]


def test_hours_are_rounded_outwards() -> None:
    (found,) = build_promotions(stretches(("a", "s1", 1.02, 1.98, "x")), trips())
    assert (found.start_hour_P - HOUR_0).tolist() == [24]
    assert (found.end_hour_P - HOUR_0).tolist() == [48]


def test_unknown_items_unknown_stores_and_empty_stretches_are_left_out() -> None:
    table = stretches(("zzz", "s1", 1, 2, "x"), ("a", "s9", 1, 2, "x"), ("a", "s1", 2, 2, "x"), ("a", "s1", 3, 4, "x"))
    (found,) = build_promotions(table, trips())
    assert (found.start_hour_P - HOUR_0).tolist() == [72]


def test_the_eight_most_frequent_kinds_are_kept_in_order_of_name() -> None:
    rows = [("a", "s1", day, day + 0.5, kind) for n, kind in enumerate("ihgfedcba", 1) for day in range(n)]
    assert [p.kind for p in build_promotions(stretches(*rows), trips())] == list("abcdefgh")


def test_no_table_is_no_promotions() -> None:
    assert build_promotions(None, trips()) == ()
