"""Which trips teach what, on shoppers who buy on known days."""

import dataclasses

import numpy as np
import pytest

from components.train.trip_split import training_trips
from model.data.time_split import ranking_start
from model.data.trips import Trips
from model.errors import CheckFailed
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds
from tfx_configs.settings import TrainSettings


def trips_on(*days: float, cut: float) -> Trips:
    """One trip of one shopper on each day."""
    events = purchases(*(("u", day, "a") for day in days))
    return build_trips(events, np.array(["a"], dtype=object), seconds(cut), 100)


def test_the_ranker_learns_from_the_last_days_and_leaves_half_of_a_short_past_to_the_towers() -> None:
    assert ranking_start(trips_on(0, 300, cut=300), 140) == seconds(160)
    assert ranking_start(trips_on(0, 10, cut=10), 140) == seconds(5)


def test_trips_are_split_by_time_and_none_at_the_cut_or_after_it_teaches() -> None:
    trips = trips_on(0, 59, *range(60, 69), 92, 93, 99, 100, 101, cut=100)
    learning = training_trips(trips, TrainSettings(ranking_days=40, valid_days=7))
    days = [[round((trips.time_T[i] - seconds(0)) / 86_400) for i in part] for part in learning]
    assert days == [[0, 59], [*range(60, 69), 92], [93, 99]]


def test_where_the_last_days_hold_few_trips_a_fifth_of_the_rankers_is_held_out() -> None:
    """Of ten trips in the ranker's span one is in the last week: the second last is held out, too."""
    trips = trips_on(0, 60, 61, 62, 63, 64, 65, 66, 67, 92.5, 99, cut=100)
    learning = training_trips(trips, TrainSettings(ranking_days=40, valid_days=7))
    assert (len(learning.ranking), len(learning.valid)) == (8, 2)


def test_where_the_last_day_holds_most_trips_no_more_than_a_fifth_is_held_out() -> None:
    """A shop of four days: 2 trips on each of the first three, 8 on the last."""
    trips = trips_on(0.1, 0.2, 1.1, 1.2, 2.1, 2.2, *(3 + hour / 24 for hour in range(8, 16)), cut=4)
    learning = training_trips(trips, TrainSettings(ranking_days=40, valid_days=7))
    assert (len(learning.early), len(learning.ranking), len(learning.valid)) == (4, 8, 2)


def test_a_trip_without_a_basket_teaches_nothing() -> None:
    trips = trips_on(0, 30, 60, 70, cut=100)
    emptied = dataclasses.replace(trips, basket_end_T=trips.basket_begin_T + np.array([1, 0, 0, 1], np.int64))
    learning = training_trips(emptied, TrainSettings(ranking_days=40, valid_days=7))
    assert (learning.early.tolist(), learning.ranking.tolist()) == ([0], [3])


def test_a_cut_with_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(CheckFailed, match="and before those, got 0 and 2; move the cut or set ranking_days"):
        training_trips(trips_on(0, 10, cut=100), TrainSettings(ranking_days=40, valid_days=7))
