"""Trips with hand-computed values: whose, when, what came strictly before, what was bought."""

import numpy as np
import pandas as pd
import pytest

from model.data import columns as c
from model.data.trips import Trips
from tests.trips_of_events import build_trips
from tests.worlds import at, market, purchases, seconds

ITEM_IDS = np.array(["a", "b", "d", "z"], dtype=object)
WORLD = purchases(
    ("u2", 3, "b d"),
    ("u1", 5, "a"),
    ("u1", 1, "b a"),
    ("u1", 5, "d"),  # another basket at the same moment
    ("u1", 7.5, "a b"),
    ("u2", 9, "a"),
)


def build(events: pd.DataFrame, max_history: int = 100, cut_day: float = 7) -> Trips:
    return build_trips(events, ITEM_IDS, seconds(cut_day), max_history)


def spelled(trips: Trips) -> list[tuple[str, float, str, str, str]]:
    """(user, day, store, history, basket) of each trip, items as words."""
    out = []
    for t in range(len(trips)):
        history = "".join(trips.item_ids[trips.event_item_E[trips.history(t)]])
        basket = "".join(trips.item_ids[trips.basket(t)])
        day = (trips.time_T[t] - seconds(0)) / 86_400
        out.append((trips.user_ids[trips.user_T[t]], day, trips.store_ids[trips.store_T[t]], history, basket))
    return out


def test_a_trip_knows_what_its_shopper_bought_strictly_before() -> None:
    assert spelled(build(WORLD)) == [
        ("u1", 1, "s1", "", "ab"),
        ("u2", 3, "s1", "", "bd"),
        ("u1", 5, "s1", "ab", "a"),
        ("u1", 5, "s1", "ab", "d"),
        ("u1", 7.5, "s1", "abad", "ab"),
        ("u2", 9, "s1", "bd", "a"),
    ]


@pytest.mark.parametrize(("most", "expected"), [(1, "d"), (2, "ad"), (3, "bad"), (4, "abad")])
def test_of_a_long_history_the_last_events_are_kept(most: int, expected: str) -> None:
    assert spelled(build(WORLD, max_history=most))[4][3] == expected


def test_a_trip_happens_at_its_first_event_and_in_that_events_store() -> None:
    events = purchases(("u1", 1, "b"), ("u1", 2, "a b"))
    events[c.BASKET] = "one"
    events[c.STORE] = ["s2", "s1", "s1"]
    assert spelled(build(events)) == [("u1", 1, "s2", "", "ab")]


def test_a_long_trips_later_events_are_history_of_a_trip_that_starts_after_them() -> None:
    events = purchases(("u1", 1, "a"), ("u1", 3, "b"), ("u1", 2, "d"))
    events[c.BASKET] = ["long", "long", "short"]
    assert [trip[3:] for trip in spelled(build(events))] == [("", "ab"), ("a", "d")]


def test_a_basket_id_used_by_two_shoppers_is_two_trips() -> None:
    events = purchases(("u1", 1, "a"), ("u2", 1, "b"))
    events[c.BASKET] = "same"
    assert [trip[0] + trip[4] for trip in spelled(build(events))] == ["u1a", "u2b"]


def test_an_item_bought_twice_on_a_trip_is_one_label_and_two_events() -> None:
    events = pd.concat([purchases(("u1", 1, "a a")), purchases(("u1", 2, "b")).assign(**{c.BASKET: "later"})])
    assert [trip[3:] for trip in spelled(build(events))] == [("", "a"), ("aa", "b")]


def test_an_event_has_its_store_quantity_and_price_and_0_where_that_is_not_known() -> None:
    """The store is the event's own, though the trip is in that of its first event."""
    events = purchases(("u1", 1, "b a"), ("u1", 3, "d")).assign(**{c.QUANTITY: [2.0, 0.5, 1.0]})
    events[c.PRICE] = [1.25, None, 3.0]
    events[c.STORE] = ["s2", "", "s1"]
    trips = build(events)
    assert trips.item_ids[trips.event_item_E].tolist() == ["a", "b", "d"]
    assert trips.store_ids[trips.event_store_E].tolist() == ["", "s2", "s1"]
    assert trips.event_quantity_E.tolist() == [0.5, 2, 1]
    assert trips.event_price_E.tolist() == [0, 1.25, 3]
    kinds = (trips.event_store_E.dtype, trips.event_quantity_E.dtype, trips.event_price_E.dtype)
    assert kinds == (np.int32, np.float32, np.float32)


def test_events_without_quantities_and_prices_are_one_piece_each_at_no_known_price() -> None:
    trips = build(WORLD.drop(columns=c.PRICE))
    assert set(trips.event_quantity_E.tolist()) == {1.0} and set(trips.event_price_E.tolist()) == {0.0}


def test_the_order_of_the_rows_changes_nothing() -> None:
    events = market()["events"]
    ids = np.unique(events[c.ITEM]).astype(object)
    expected = build_trips(events, ids, seconds(98), 20)
    for seed in range(3):
        shuffled = events.sample(frac=1, random_state=seed)
        trips = build_trips(shuffled, ids, seconds(98), 20)
        for name, value in vars(expected).items():
            assert np.array_equal(getattr(trips, name), value), name


def test_the_events_are_not_changed() -> None:
    events = WORLD.sample(frac=1, random_state=1)
    before = events.copy(deep=True)
    build(events)
    pd.testing.assert_frame_equal(events, before)


def test_shoppers_and_stores_are_listed_once_and_store_0_is_the_unknown_one() -> None:
    events = WORLD.assign(**{c.STORE: ["s9", "", "s1", "s1", "s1", "", "s1", "s9", "s1"]})
    trips = build(events)
    assert trips.user_ids.tolist() == ["u1", "u2"]
    assert trips.store_ids.tolist() == ["", "s1", "s9"]
    assert trips.item_ids.tolist() == ITEM_IDS.tolist()


def test_fractions_of_a_second_do_not_order_events() -> None:
    events = purchases(("u1", 1, "a"), ("u1", 1, "b"))
    events[c.TIME] = [at(1) + pd.Timedelta(milliseconds=100), at(1) + pd.Timedelta(milliseconds=900)]
    assert [trip[3] for trip in spelled(build(events))] == ["", ""]
