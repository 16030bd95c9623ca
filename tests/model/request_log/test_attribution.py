"""Which purchase belongs to which visit, with hand-computed values."""

import numpy as np
import pandas as pd

from model.data import columns as c
from model.request_log.attribution import baskets, closed_until, first_of_visits, last_purchase, offsets
from tfx_configs.monitoring import MonitorSettings

SETTINGS = MonitorSettings(outcome_hours=2.0, lateness_hours=1.0, early_minutes=5.0, visit_minutes=30.0)
H, M = 3600, 60


def _visits(*rows: tuple[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [(user, time_s, float(n)) for n, (user, time_s) in enumerate(rows)], columns=[c.USER, "time_s", "logged_s"]
    )


def _bought(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[c.USER, c.ITEM, c.TIME]).sample(frac=1, random_state=1)


def test_requests_within_half_an_hour_of_the_first_are_one_visit_regardless_of_other_shoppers_between() -> None:
    requests = _visits(("a", 0), ("b", 10), ("a", 29 * M), ("a", 31 * M), ("a", 61 * M))
    first = first_of_visits(requests.sample(frac=1, random_state=2), 30.0)
    assert list(zip(first[c.USER], first["time_s"], strict=True)) == [("a", 0), ("b", 10), ("a", 31 * M)]


def test_of_two_requests_in_one_second_the_one_answered_first_counts() -> None:
    requests = _visits(("a", 0), ("a", 0)).assign(logged_s=[5.0, 4.0], version=["second", "first"])
    assert first_of_visits(requests, 30.0)["version"].tolist() == ["first"]


def test_a_purchase_belongs_to_the_last_visit_before_it_within_the_outcome_hours() -> None:
    visits = _visits(("a", 0), ("b", 0), ("a", H))
    led_to = baskets(
        visits,
        _bought(
            ("a", "x", 0),
            ("a", "y", H - 6 * M),
            ("a", "z", H + 1),
            ("a", "late", 3 * H),
            ("c", "w", 5),
            ("b", "x", 2 * H),
        ),
        SETTINGS,
    )
    assert led_to == [frozenset("xy"), frozenset(), frozenset("z")]  # b's purchase comes exactly at the end: too late


def test_a_purchase_a_little_before_the_visit_belongs_to_it() -> None:
    assert baskets(_visits(("a", H)), _bought(("a", "x", H - 4 * M), ("a", "y", H - 6 * M)), SETTINGS) == [
        frozenset("x")
    ]


def test_a_purchase_that_names_a_request_belongs_to_its_visit_though_another_came_since() -> None:
    requests = _visits(("a", 0), ("a", 10 * M), ("a", H), ("b", 0)).assign(**{c.REQUEST: ["r1", "r2", "r3", "r1"]})
    visits = first_of_visits(requests, 30.0)
    bought = pd.DataFrame(
        [
            ("a", "second of the first visit", H + M, "r2"),
            ("a", "its own", H + M, "r3"),
            ("a", "none", H + M, None),
            ("a", "not in the log", H + M, "r9"),
            ("a", "another shopper's", H + M, "r4"),
            ("b", "the same id", H + M, "r1"),
            ("a", "too late for it", 2 * H, "r1"),
        ],
        columns=[c.USER, c.ITEM, c.TIME, c.REQUEST],
    )
    assert list(zip(visits[c.USER], visits["time_s"], strict=True)) == [("a", 0), ("b", 0), ("a", H)]
    assert baskets(visits, bought, SETTINGS) == [
        frozenset({"second of the first visit"}),
        frozenset({"the same id"}),
        frozenset({"its own", "none", "not in the log", "another shopper's"}),
    ]
    without = baskets(visits, bought.drop(columns=c.REQUEST), SETTINGS)
    assert without[2] >= {"second of the first visit", "too late for it"}


def test_an_id_that_a_client_gives_to_every_request_means_the_last_one() -> None:
    requests = _visits(("a", 0), ("a", H)).assign(**{c.REQUEST: ["1", "1"]})
    bought = _bought(("a", "x", H - 10 * M), ("a", "y", H + M)).assign(**{c.REQUEST: "1"})
    assert baskets(first_of_visits(requests, 30.0), bought, SETTINGS) == [frozenset("x"), frozenset("y")]


def test_a_visit_is_closed_when_its_hours_and_the_lateness_are_over() -> None:
    assert closed_until(10 * H, SETTINGS) == 7 * H
    assert closed_until(10 * H, SETTINGS.replace(lateness_hours=0.0)) == 8 * H


def test_the_offset_is_to_the_nearest_purchase_either_way() -> None:
    visits = _visits(("a", H), ("b", H), ("c", H))
    seconds_off = offsets(visits, _bought(("a", "x", H - 60), ("a", "x", H + 90), ("b", "x", 9 * H)), SETTINGS)
    np.testing.assert_array_equal(seconds_off, [-60.0, np.nan, np.nan])


def test_the_last_purchase_before_a_visit_leaves_out_what_is_too_fresh() -> None:
    visits = _visits(("a", H), ("b", H))
    last_s = last_purchase(visits, _bought(("a", "x", H - 20 * M), ("a", "y", H - 5 * M), ("b", "x", H)), 600)
    np.testing.assert_array_equal(last_s, [H - 20 * M, np.nan])
