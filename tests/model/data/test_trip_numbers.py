"""Trips of events, by hours between them."""

import numpy as np

from model.data.trip_numbers import trip_numbers

HOUR_S = 3600


def test_events_within_the_gap_are_of_one_trip_and_requests_count_on_their_own() -> None:
    """The second request has no events; of the first and the third the times overlap."""
    row = np.array([0, 0, 0, 2, 2], np.int32)
    time = np.array([0, 4, 9, 8, 9]) * HOUR_S
    trip, trips = trip_numbers(row, time, requests=4, gap_hours=4.0)
    assert trip.tolist() == [1, 1, 2, 1, 1]
    assert trips.tolist() == [2, 0, 1, 0]


def test_a_request_that_follows_at_once_begins_with_its_first_trip() -> None:
    trip, trips = trip_numbers(np.array([0, 1]), np.array([100, 101]), requests=2, gap_hours=1.0)
    assert trip.tolist() == [1, 1] and trips.tolist() == [1, 1]


def test_without_events_there_are_no_trips() -> None:
    trip, trips = trip_numbers(np.zeros(0, np.int32), np.zeros(0, np.int64), requests=2, gap_hours=1.0)
    assert trip.tolist() == [] and trips.tolist() == [0, 0]
