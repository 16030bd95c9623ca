"""Wrong labels and missing data on a few trips: every expected value is hand-computed."""

import numpy as np

from benchmarks.robustness.__main__ import dropped, of_some_shoppers, replaced, since
from model.data.trips import Trips
from tests.pencil_world import trips_of
from tests.worlds import seconds


def world() -> Trips:
    """u and v buy on days 1 to 50, ten times each, and once after the cut on day 100."""
    trips = [(user, day, "a b c") for user in "uv" for day in range(5, 55, 5)]
    return trips_of(*trips, ("u", 101, "d e"), ("v", 102, "d"))


def baskets(trips: Trips) -> list[str]:
    return ["".join(trips.item_ids[trips.basket(trip)]) for trip in range(len(trips))]


def test_nothing_wrong_changes_nothing() -> None:
    assert baskets(replaced(world(), 0.0, 7)) == baskets(dropped(world(), 0.0, 7)) == baskets(world())


def test_dropped_labels_are_a_share_of_the_training_ones_and_test_baskets_stay() -> None:
    noisy = baskets(dropped(world(), 50.0, 7))
    assert noisy[-2:] == ["de", "d"]
    assert all(set(basket) <= set("abc") for basket in noisy[:-2])
    assert 15 <= sum(map(len, noisy[:-2])) <= 45  # 60 labels, half of them, four standard deviations
    assert baskets(dropped(world(), 100.0, 7)) == [""] * 20 + ["de", "d"]


def test_replaced_labels_are_drawn_from_what_is_bought_and_an_item_twice_counts_once() -> None:
    """Each of the three is one of a, b, c at random: a basket keeps 3 (1 - (2/3)^3) = 2.1 of them on average."""
    noisy = baskets(replaced(world(), 100.0, 7))
    assert noisy[-2:] == ["de", "d"]
    assert all(list(basket) == sorted(set(basket)) and set(basket) <= set("abc") for basket in noisy[:-2])
    assert 1.7 <= np.mean([len(basket) for basket in noisy[:-2]]) <= 2.5


def test_histories_do_not_know_of_the_noise() -> None:
    trips, noisy = world(), replaced(world(), 100.0, 7)
    assert all(np.array_equal(trips.history(trip), noisy.history(trip)) for trip in range(len(trips)))


def test_a_share_of_the_shoppers_teaches_and_all_are_judged() -> None:
    noisy = of_some_shoppers(world(), 50.0, 7)
    assert len(np.unique(noisy.user_T[noisy.time_T < noisy.cut_s])) == 1
    assert baskets(noisy)[-2:] == ["de", "d"] and len(noisy) == 12
    assert len(noisy.history(10)) == len(noisy.history(11)) == 30


def test_recording_that_began_later_has_neither_earlier_trips_nor_earlier_purchases() -> None:
    """From day 40 on: trips on days 40, 45 and 50 of both, the first of them without history."""
    noisy = since(world(), seconds(40))
    assert len(noisy) == 8
    assert [len(noisy.history(trip)) for trip in range(8)] == [0, 0, 3, 3, 6, 6, 9, 9]
    assert set(noisy.event_time_E[noisy.history(7)]) == {seconds(day) for day in (40, 45, 50)}
