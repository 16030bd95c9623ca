"""Windows, closed days and what is compared with what, by pencil."""

import dataclasses
from datetime import datetime

import pytest

from components.monitor import run
from components.monitor.checks.freshness import hours
from components.monitor.checks.measurements import recall, visits
from components.monitor.checks.tfdv_distances import compared
from components.monitor.data.baseline import Reference
from components.monitor.data.window import before_cut, before_in_log, day_spans, ending
from model.data import columns as c
from tests.components.monitor.world import World
from tests.worlds import seconds
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import DAY_S

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


def test_the_same_weekdays_before_the_cut_are_compared_as_far_as_the_reference_goes(shop: World) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    window = ending(shop.known.cut_s + 10.5 * DAY_S, 7, live, shop.known, shop.settings)
    moved = before_cut(window, shop.known, shop.settings)
    assert len(moved) == 12
    assert {(window.begin_s - one.begin_s) % (7 * DAY_S) for one in moved} == {0.0}
    assert max(one.end_s for one in moved) <= shop.known.cut_s
    assert {window.begin_s - shop.known.cut_s} == {one.begin_s - one.known_before_s for one in moved}


def test_a_young_log_has_a_shorter_window_and_no_windows_before_it(shop: World) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    window = ending(shop.known.cut_s + 2 * DAY_S, 7, live, shop.known, shop.settings)
    assert window.begin_s == live.visits["time_s"].min()
    assert before_in_log(window, live, shop.known, shop.settings) == []
    day = ending(shop.known.cut_s + 5.5 * DAY_S, 1, live, shop.known, shop.settings)
    assert [one.end_s for one in before_in_log(day, live, shop.known, shop.settings)] == [
        day.begin_s - n * DAY_S for n in range(4)
    ]


def test_visits_are_counted_a_day_that_was_open(shop: World) -> None:
    settings = dataclasses.replace(shop.settings, closed_days=MONDAY)
    live = run.as_live(shop.requests, shop.purchases, shop.known, settings)
    window = ending(shop.known.cut_s + 15 * DAY_S, 7, live, shop.known, settings)
    assert window.open_days == 6
    found = visits(window)
    assert found is not None and found.value == 80
    assert {one.open_days for one in before_cut(window, shop.known, settings)} == {6}
    unusual = dataclasses.replace(shop.settings, unusual_days=MONDAY)
    assert ending(shop.known.cut_s + 15 * DAY_S, 7, live, shop.known, unusual).open_days == 6
    assert visits(ending(shop.known.cut_s + 15 * DAY_S, 1, live, shop.known, settings)) is None


def test_distances_leave_out_closed_days_of_the_window_and_of_the_week_before(shop: World) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    monday_s = shop.known.cut_s + 14 * DAY_S
    this = ending(monday_s + 2 * DAY_S, 7, live, shop.known, shop.settings)
    following = ending(monday_s + 9 * DAY_S, 7, live, shop.known, shop.settings)
    closed = dataclasses.replace(shop.settings, closed_days=MONDAY)
    assert compared(this, closed) == ((this.begin_s, monday_s), (monday_s + DAY_S, this.end_s))
    assert compared(following, closed) == (
        (following.begin_s, monday_s + 7 * DAY_S),
        (monday_s + 8 * DAY_S, following.end_s),
    )
    assert compared(following, shop.settings) == ((following.begin_s, following.end_s),)


def test_outcomes_of_an_unusual_day_are_not_judged(shop: World) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    settings = dataclasses.replace(shop.settings, unusual_days=MONDAY)
    at_s = shop.known.cut_s + 15.5 * DAY_S
    tuesday_s = shop.known.cut_s + 15 * DAY_S
    week = ending(at_s, 7, live, shop.known, settings)
    visits_of_monday = week.closed[(week.closed["time_s"] >= tuesday_s - DAY_S) & (week.closed["time_s"] < tuesday_s)]
    assert len(visits_of_monday) and not week.ordinary(visits_of_monday["time_s"]).any()
    others = dataclasses.replace(week, closed=week.closed.drop(visits_of_monday.index), shut=())
    assert recall(week) == recall(others)


def test_weeks_with_unusual_days_are_compared_with_nothing(shop: World) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    settings = dataclasses.replace(shop.settings, unusual_days=("2020-04-08",))
    moved = before_cut(ending(shop.known.cut_s + 14 * DAY_S, 7, live, shop.known, settings), shop.known, settings)
    assert len(moved) == 11


def test_the_age_of_a_table_stands_still_on_closed_days(shop: World) -> None:
    """A Monday without purchases before the cut is no longer gap than a night, when it is known to be closed."""
    monday_s = shop.known.cut_s - 14 * DAY_S
    rows = shop.known.purchases
    known = dataclasses.replace(shop.known, purchases=rows[~rows[c.TIME].between(monday_s, monday_s + DAY_S)])
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    closed = dataclasses.replace(shop.settings, closed_days=("2020-04-13",))

    def longest_h(one: Reference, settings: MonitorSettings) -> float:
        at_s = shop.known.cut_s + 14 * DAY_S
        return hours(live, one, shop.promotion_starts, at_s, settings)["purchases_age_hours"][1].history[0]

    assert longest_h(known, closed) == pytest.approx(longest_h(shop.known, shop.settings), rel=0.2)
    assert longest_h(known, shop.settings) > 24 + longest_h(known, closed) - 1


@pytest.mark.parametrize("days", [1, 7])
def test_nothing_after_the_moment_is_in_the_window(shop: World, days: int) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    now_s = shop.known.cut_s + 9.5 * DAY_S
    window = ending(now_s, days, live, shop.known, shop.settings)
    assert window.visits["time_s"].max() < now_s
    assert window.closed["time_s"].max() < now_s - 14 * 3600
