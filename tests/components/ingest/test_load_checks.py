"""What no single row shows: a double load, and one id for many shoppers."""

from pathlib import Path

import pandas as pd
import pytest

from components.artifacts.tables import DominantShopper
from model.data import columns as c
from tests.components.ingest.test_missing_values import ingested
from tests.worlds import at, purchases

TIMES = [("u1", 0, "a b"), ("u1", 40.5, "a"), ("u2", 97.75, "b"), ("u1", 98, "a")]
"""(user, day, items)"""


def guest_shop(guest_baskets: int, shoppers: int = 30) -> pd.DataFrame:
    """Shoppers with two trips each, and a `guest` with many of one line."""
    usual = [(f"u{n:02d}", day, "a b") for n in range(shoppers) for day in (n % 20, 98.5)]
    return purchases(*usual, *(("guest", 10 + n / 100, "a") for n in range(guest_baskets)))


def test_exact_copies_are_counted_apart_from_repeated_lines(tmp_path: Path) -> None:
    lines = purchases(*TIMES)
    other_price = lines[:1].assign(**{c.PRICE: 2.0})
    report, events_out = ingested(tmp_path, pd.concat([lines, lines[3:4], other_price]))
    assert report.repaired == {"exact copies of a line, merged": 1, "lines of one product in one basket, merged": 1}
    assert report.exact_duplicate_percent == pytest.approx(100 / 7, abs=0.001) and len(events_out) == 5
    assert [finding.check for finding in report.findings] == ["exact_duplicates"]


def test_a_double_load_is_half_of_the_rows(tmp_path: Path) -> None:
    lines = purchases(*TIMES)
    report, _ = ingested(tmp_path, pd.concat([lines, lines]))
    assert report.exact_duplicate_percent == 50.0


def test_an_id_with_a_large_share_is_named_with_the_setting_to_type(tmp_path: Path) -> None:
    report, _ = ingested(tmp_path, guest_shop(60))
    assert report.dominant_shoppers == (DominantShopper(user="guest", percent_of_rows=33.33, percent_of_baskets=50.0),)
    (finding,) = report.findings
    assert "guest with 33.3 % of rows and 50.0 % of baskets" in finding.received
    assert "--set 'data.guest_ids=[\"guest\"]'" in finding.what_to_do


def test_a_small_shops_shoppers_are_no_crowds(tmp_path: Path) -> None:
    report, _ = ingested(tmp_path, guest_shop(2, shoppers=5))
    assert report.dominant_shoppers == ()


def test_baskets_of_a_guest_id_become_visits_of_one_trip_each(tmp_path: Path) -> None:
    report, events_out = ingested(tmp_path, guest_shop(60), guest_ids=("guest",))
    visits = events_out[events_out[c.USER].str.startswith("guest")]
    assert report.guest_visits == visits[c.USER].nunique() == visits[c.BASKET].nunique() == 60
    assert report.users_seen == 90 and report.dominant_shoppers == ()
    others = events_out[~events_out[c.USER].str.startswith("guest")]
    assert others.groupby(c.USER)[c.BASKET].nunique().eq(2).all()


def test_without_baskets_a_guests_visit_is_one_moment_and_not_the_day_of_all(tmp_path: Path) -> None:
    events = pd.DataFrame(
        {c.USER: ["0", "0", "0", "u1"], c.ITEM: ["a", "b", "a", "a"], c.TIME: [at(5), at(5), at(5.25), at(98.5)]}
    )
    report, events_out = ingested(tmp_path, events, guest_ids=("0",))
    assert report.guest_visits == 2
    assert events_out.groupby(c.USER)[c.ITEM].agg("".join).tolist() == ["ab", "a", "a"]
