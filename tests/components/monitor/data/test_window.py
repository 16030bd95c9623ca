"""Windows, closed days and what is compared with what, with hand-computed values."""

import dataclasses
from datetime import datetime
from typing import Any

import pytest

from components.monitor import run
from components.monitor.checks.freshness import ages
from components.monitor.checks.measurements import MEASURES
from components.monitor.checks.tfdv_distances import compared
from components.monitor.data.baseline import Baseline
from components.monitor.data.window import Window, day_spans
from model.data import columns as c
from tests.components.monitor.world import World
from tests.worlds import seconds
from tfx_configs.units import DAY_S

MONDAY = ("2020-05-11",)
"""Fourteen days after the shop's cut."""


def test_a_closed_day_is_cut_to_the_window() -> None:
    begin_s = seconds(0)
    assert day_spans(begin_s, begin_s + DAY_S / 2, ("2020-01-06",), "UTC") == ((begin_s, begin_s + DAY_S / 2),)
    assert day_spans(begin_s, begin_s + DAY_S, ("2020-01-07",), "UTC") == ()


def test_a_day_is_that_of_the_shops_clock_which_may_have_25_hours() -> None:
    def hours(day: str) -> list[tuple[float, float]]:
        begin_s = datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
        return [(b - begin_s, e - begin_s) for b, e in day_spans(0, 2e9, (day,), "America/New_York")]

    assert hours("2017-11-23") == [(5 * 3600, 29 * 3600)]
    assert hours("2017-11-05") == [(4 * 3600, 29 * 3600)]


def _window(shop: World, day: float, days: int, **settings: Any) -> Window:
    """The window of the last `days` days at a moment `day` days after the shop's cut."""
    changed = shop.settings.replace(**settings)
    record = run.join(shop.requests, shop.purchases, shop.promotion_starts, shop.baseline, changed)
    return record.window(shop.baseline.cut_s + day * DAY_S, days)


def test_the_same_weekdays_before_the_cut_are_compared_as_far_as_the_baseline_goes(shop: World) -> None:
    window = _window(shop, 10.5, 7)
    moved = window.before_cut
    assert len(moved) == 12
    assert {(window.begin_s - other.begin_s) % (7 * DAY_S) for other in moved} == {0.0}
    assert max(other.end_s for other in moved) <= shop.baseline.cut_s
    assert {window.begin_s - shop.baseline.cut_s} == {other.begin_s - other.known_before_s for other in moved}


def test_a_young_log_has_a_shorter_window_and_no_windows_before_it(shop: World) -> None:
    window = _window(shop, 2, 7)
    assert window.begin_s == window.record.visits["time_s"].min()
    assert window.before_in_log == []
    day = _window(shop, 5.5, 1)
    assert [other.end_s for other in day.before_in_log] == [day.begin_s - n * DAY_S for n in range(4)]


def test_visits_are_counted_a_day_that_was_open(shop: World) -> None:
    window = _window(shop, 15, 7, closed_days=MONDAY)
    assert window.open_days == 6
    counted = MEASURES["visits"](window)
    assert counted is not None and counted.value == 80
    assert {other.open_days for other in window.before_cut} == {6}
    assert _window(shop, 15, 7, unusual_days=MONDAY).open_days == 6
    assert MEASURES["visits"](_window(shop, 15, 1, closed_days=MONDAY)) is None


def test_distances_leave_out_closed_days_of_the_window_and_of_the_week_before(shop: World) -> None:
    monday_s = shop.baseline.cut_s + 14 * DAY_S
    this, following = (_window(shop, day, 7, closed_days=MONDAY) for day in (16, 23))
    assert compared(this) == ((this.begin_s, monday_s), (monday_s + DAY_S, this.end_s))
    assert compared(following) == (
        (following.begin_s, monday_s + 7 * DAY_S),
        (monday_s + 8 * DAY_S, following.end_s),
    )
    assert compared(_window(shop, 23, 7)) == ((following.begin_s, following.end_s),)


def test_outcomes_of_an_unusual_day_are_not_judged(shop: World) -> None:
    tuesday_s = shop.baseline.cut_s + 15 * DAY_S
    week = _window(shop, 15.5, 7, unusual_days=MONDAY)
    visits_of_monday = week.closed[(week.closed["time_s"] >= tuesday_s - DAY_S) & (week.closed["time_s"] < tuesday_s)]
    assert len(visits_of_monday) and not week.ordinary(visits_of_monday["time_s"]).any()
    others = dataclasses.replace(week, closed=week.closed.drop(visits_of_monday.index), shut=())
    assert MEASURES["recall@10"](week) == MEASURES["recall@10"](others)


def test_weeks_with_unusual_days_are_compared_with_nothing(shop: World) -> None:
    assert len(_window(shop, 14, 7, unusual_days=("2020-04-08",)).before_cut) == 11


def test_the_age_of_a_table_stops_on_closed_days(shop: World) -> None:
    """A Monday without purchases before the cut is no longer gap than a night, when the day is configured as closed."""
    monday_s = shop.baseline.cut_s - 14 * DAY_S
    rows = shop.baseline.purchases
    gap = dataclasses.replace(shop.baseline, purchases=rows[~rows[c.TIME].between(monday_s, monday_s + DAY_S)])

    def longest_h(baseline: Baseline, **settings: Any) -> float:
        record = dataclasses.replace(_window(shop, 14, 7, **settings).record, baseline=baseline)
        return ages(record, shop.baseline.cut_s + 14 * DAY_S)["purchases_age_hours"][1].history[0]

    assert longest_h(gap, closed_days=("2020-04-13",)) == pytest.approx(longest_h(shop.baseline), rel=0.2)
    assert longest_h(gap) > 24 + longest_h(gap, closed_days=("2020-04-13",)) - 1


@pytest.mark.parametrize("days", [1, 7])
def test_nothing_after_the_moment_is_in_the_window(shop: World, days: int) -> None:
    window = _window(shop, 9.5, days)
    assert window.visits["time_s"].max() < window.end_s
    assert window.closed["time_s"].max() < window.end_s - 14 * 3600
