"""The container of trips: test span, next-basket task, files."""

from pathlib import Path

import numpy as np
import pytest

from model.data.trips import Trips
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds


@pytest.fixture
def trips() -> Trips:
    events = purchases(
        ("old", 1, "a b"), ("old", 10, "a"), ("old", 12, "b"), ("new", 11, "a"), ("new", 12, "b"), ("gone", 2, "b")
    )
    return build_trips(events, np.array(["a", "b"], dtype=object), seconds(10), 100)


def who(trips: Trips, which: np.ndarray) -> list[tuple[str, float]]:
    return [(trips.user_ids[trips.user_T[t]], (trips.time_T[t] - seconds(0)) / 86_400) for t in which]


def test_the_test_span_begins_at_the_cut(trips: Trips) -> None:
    assert who(trips, trips.test_trips()) == [("old", 10), ("new", 11), ("new", 12), ("old", 12)]


def test_the_task_is_each_known_shoppers_first_test_trip(trips: Trips) -> None:
    """The first test trip of `new` has no history: there is nothing to tell that shopper apart by."""
    assert who(trips, trips.first_test_trips()) == [("old", 10)]


def test_saved_trips_load_equal(trips: Trips, tmp_path: Path) -> None:
    trips.save(tmp_path / "trips")
    loaded = Trips.load(tmp_path / "trips")
    for name, value in vars(trips).items():
        other = getattr(loaded, name)
        assert np.array_equal(other, value) and getattr(other, "dtype", None) == getattr(value, "dtype", None), name


def test_histories_of_several_trips_lie_one_after_the_other(trips: Trips) -> None:
    position, row = trips.histories(np.array([5, 0, 3]))
    spelled = [(int(r), trips.item_ids[trips.event_item_E[p]]) for p, r in zip(position, row, strict=True)]
    assert who(trips, np.array([5, 0, 3])) == [("old", 12), ("old", 1), ("new", 11)]
    assert spelled == [(0, "a"), (0, "b"), (0, "a")]
