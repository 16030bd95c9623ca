"""Windows, closed days and what is compared with what, by pencil."""

import dataclasses

import pytest

from benchmarks.monitoring import World
from components.monitor import run
from components.monitor.distances import compared
from components.monitor.measures import visits
from components.monitor.window import before_cut, before_in_log, ending, shut_spans
from tests.worlds import seconds
from tfx_configs.settings import DAY_S

MONDAY = ("2020-05-11",)
"""Fourteen days after the shop's cut."""


def test_a_closed_day_is_cut_to_the_window() -> None:
    begin_s = seconds(0)
    assert shut_spans(begin_s, begin_s + DAY_S / 2, ("2020-01-06",)) == ((begin_s, begin_s + DAY_S / 2),)
    assert shut_spans(begin_s, begin_s + DAY_S, ("2020-01-07",)) == ()


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
    assert visits(ending(shop.known.cut_s + 15 * DAY_S, 1, live, shop.known, settings)) is None


def test_distances_leave_out_closed_days_of_the_window_and_of_the_week_before(shop: World) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    monday_s = shop.known.cut_s + 14 * DAY_S
    this = ending(monday_s + 2 * DAY_S, 7, live, shop.known, shop.settings)
    following = ending(monday_s + 9 * DAY_S, 7, live, shop.known, shop.settings)
    assert compared(this, MONDAY) == ((this.begin_s, monday_s), (monday_s + DAY_S, this.end_s))
    assert compared(following, MONDAY) == (
        (following.begin_s, monday_s + 7 * DAY_S),
        (monday_s + 8 * DAY_S, following.end_s),
    )
    assert compared(following, ()) == ((following.begin_s, following.end_s),)


@pytest.mark.parametrize("days", [1, 7])
def test_nothing_after_the_moment_is_in_the_window(shop: World, days: int) -> None:
    live = run.as_live(shop.requests, shop.purchases, shop.known, shop.settings)
    now_s = shop.known.cut_s + 9.5 * DAY_S
    window = ending(now_s, days, live, shop.known, shop.settings)
    assert window.visits["time_s"].max() < now_s
    assert window.closed["time_s"].max() < now_s - 14 * 3600
