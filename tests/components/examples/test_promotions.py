"""Promotion stretches as sorted arrays, with hand-computed values."""

from pathlib import Path

import numpy as np
import pandas as pd

from components.examples.promotions import build_promotions, read_promotions
from model.data import columns as c
from model.data.catalog import Promotions
from tests.worlds import at, seconds

HOUR_0 = seconds(0) // 3600


ITEM_IDS, STORE_IDS = np.array(["a", "b"], object), np.array(["", "s1", "s2"], object)


def built_of(table: pd.DataFrame, parts: int = 1) -> tuple[Promotions, ...]:
    """Of one kind, its rows in so many parts."""
    size = -(-len(table) // parts)
    rows = [table[at : at + size] for at in range(0, len(table), size)]
    return build_promotions([("x", rows)], ITEM_IDS, STORE_IDS)


def stretches(*rows: tuple[str, str, float, float, str]) -> pd.DataFrame:
    """(item, store, first day, last day, kind)"""
    columns = [c.ITEM, c.STORE, c.START, c.END, c.KIND]
    return pd.DataFrame([(i, s, at(a), at(b), k) for i, s, a, b, k in rows], columns=columns)


def test_stretches_are_sorted_by_store_item_and_start() -> None:
    table = stretches(("b", "s2", 3, 4, "x"), ("a", "s2", 5, 6, "x"), ("a", "s2", 1, 2, "x"), ("a", "", 2, 3, "x"))
    (built,) = built_of(table)
    assert built.kind == "x"
    assert built.store_P.tolist() == [0, 2, 2, 2]
    assert built.item_P.tolist() == [0, 0, 0, 1]
    assert (built.start_hour_P - HOUR_0).tolist() == [48, 24, 120, 72]
    assert (built.end_hour_P - HOUR_0).tolist() == [72, 48, 144, 96]


def test_an_end_is_the_latest_of_all_stretches_that_began_before_it() -> None:
    """A long stretch from day 1 to day 9 holds two short ones; another item starts afresh."""
    table = stretches(("a", "s1", 1, 9, "x"), ("a", "s1", 2, 3, "x"), ("a", "s1", 4, 5, "x"), ("b", "s1", 2, 3, "x"))
    (built,) = built_of(table)
    assert ((built.end_hour_P - HOUR_0) / 24).tolist() == [9, 9, 9, 3]


def test_the_parts_that_rows_come_in_change_nothing() -> None:
    """The long stretch and the short ones that it holds come one after the other."""
    table = stretches(("a", "s1", 1, 9, "x"), ("b", "s2", 2, 3, "x"), ("a", "s1", 2, 3, "x"), ("a", "s1", 4, 5, "x"))
    (whole,), (parted,) = built_of(table), built_of(table, parts=4)
    assert ((parted.end_hour_P - HOUR_0) / 24).tolist() == [9, 9, 9, 3]
    for name in ("store_P", "item_P", "start_hour_P", "end_hour_P"):
        assert getattr(parted, name).tolist() == getattr(whole, name).tolist()


def test_hours_are_rounded_outwards() -> None:
    (built,) = built_of(stretches(("a", "s1", 1.02, 1.98, "x")))
    assert (built.start_hour_P - HOUR_0).tolist() == [24]
    assert (built.end_hour_P - HOUR_0).tolist() == [48]


def test_unknown_items_unknown_stores_and_empty_stretches_are_left_out() -> None:
    table = stretches(("zzz", "s1", 1, 2, "x"), ("a", "s9", 1, 2, "x"), ("a", "s1", 2, 2, "x"), ("a", "s1", 3, 4, "x"))
    (built,) = built_of(table)
    assert (built.start_hour_P - HOUR_0).tolist() == [72]


def test_the_eight_most_frequent_kinds_are_read_in_order_of_name(tmp_path: Path) -> None:
    rows = [("a", "s1", day, day + 0.5, kind) for n, kind in enumerate("ihgfedcba", 1) for day in range(n)]
    stretches(*rows).to_parquet(tmp_path / "promotions.parquet")
    read = read_promotions(tmp_path / "promotions.parquet", seconds(0))
    assert [(kind, sum(map(len, parts))) for kind, parts in read] == [(k, 9 - n) for n, k in enumerate("abcdefgh")]


def test_what_ended_before_the_first_snapshot_is_not_read(tmp_path: Path) -> None:
    stretches(("a", "s1", 1, 2, "x"), ("a", "s1", 1, 4, "x"), ("a", "s1", 1, 2, "y")).to_parquet(tmp_path / "p.parquet")
    ((kind, parts),) = read_promotions(tmp_path / "p.parquet", seconds(2))
    assert (kind, pd.concat(parts)[c.END].tolist()) == ("x", [at(4)])


def test_a_kind_of_unknown_items_only_is_no_kind() -> None:
    assert built_of(stretches(("zzz", "s1", 1, 2, "x"))) == ()
