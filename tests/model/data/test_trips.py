"""The container of trips: test span, next-basket task, files."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from model.data.batch import TripReader
from model.data.trips import Trips
from tests.model.small_catalog import small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds

MOMENT_S = seconds(10)


@pytest.fixture
def trips() -> Trips:
    events = purchases(
        ("old", 1, "a b"), ("old", 10, "a"), ("old", 12, "b"), ("new", 11, "a"), ("new", 12, "b"), ("gone", 2, "b")
    )
    return build_trips(events, np.array(["a", "b"], dtype=object), seconds(10), 100)


def shopper_and_day(trips: Trips, which: np.ndarray) -> list[tuple[str, float]]:
    return [(trips.user_ids[trips.user_T[t]], (trips.time_T[t] - seconds(0)) / 86_400) for t in which]


def test_the_test_span_begins_at_the_cut(trips: Trips) -> None:
    assert shopper_and_day(trips, trips.test_trips()) == [("old", 10), ("new", 11), ("new", 12), ("old", 12)]


def test_the_task_is_the_first_test_trip_of_each_shopper_with_a_history(trips: Trips) -> None:
    """The first test trip of `new` has no history: nothing distinguishes that shopper."""
    assert shopper_and_day(trips, trips.first_test_trips()) == [("old", 10)]


def test_saved_trips_load_equal(trips: Trips, tmp_path: Path) -> None:
    trips.save(tmp_path / "trips")
    loaded = Trips.load(tmp_path / "trips")
    for name, value in vars(trips).items():
        other = getattr(loaded, name)
        assert np.array_equal(other, value) and getattr(other, "dtype", None) == getattr(value, "dtype", None), name


def test_trips_saved_before_events_had_stores_and_prices_load_with_the_defined_values(
    trips: Trips, tmp_path: Path
) -> None:
    trips.save(tmp_path / "trips")
    file = tmp_path / "trips" / "events.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["event_store_E", "event_quantity_E", "event_price_E"]), file)
    loaded, events = Trips.load(tmp_path / "trips"), len(trips.event_item_E)
    assert loaded.event_store_E.tolist() == [0] * events and loaded.event_store_E.dtype == np.int32
    assert loaded.event_quantity_E.tolist() == [1] * events and loaded.event_quantity_E.dtype == np.float32
    assert loaded.event_price_E.tolist() == [0] * events and loaded.event_price_E.dtype == np.float32


def test_a_batch_has_where_how_many_and_at_what_price_of_each_event(trips: Trips) -> None:
    catalog = dataclasses.replace(small_catalog(), user_ids=np.empty(0, object))
    count = np.arange(len(trips.event_item_E))
    details = dataclasses.replace(
        trips,
        event_store_E=count.astype(np.int32),
        event_quantity_E=(count + 0.5).astype(np.float32),
        event_price_E=(10 * count).astype(np.float32),
    )
    which = np.array([5, 0, 3])
    batch, position_H = TripReader(details, catalog).batch(which), trips.histories(which)[0]
    assert batch.history_store_H.tolist() == position_H.tolist() and len(position_H) == 3
    assert batch.history_quantity_H.tolist() == (position_H + 0.5).tolist()
    assert batch.history_price_H.tolist() == (10 * position_H).tolist()


def test_histories_of_several_trips_lie_one_after_the_other(trips: Trips) -> None:
    position, row = trips.histories(np.array([5, 0, 3]))
    spelled = [(int(r), trips.item_ids[trips.event_item_E[p]]) for p, r in zip(position, row, strict=True)]
    assert shopper_and_day(trips, np.array([5, 0, 3])) == [("old", 12), ("old", 1), ("new", 11)]
    assert spelled == [(0, "a"), (0, "b"), (0, "a")]


def test_an_event_exactly_at_the_moment_is_not_known_at_it(trips: Trips) -> None:
    at_it = trips.event_time_E == MOMENT_S
    assert at_it.sum() == 1
    assert not trips.kept_events(MOMENT_S)[at_it].any()
    assert trips.kept_events(MOMENT_S + 1)[at_it].all()


@pytest.mark.parametrize(("return_s", "counts"), [(MOMENT_S - 1, False), (MOMENT_S, True)])
def test_a_purchase_returned_exactly_at_the_moment_still_counts_at_it(
    trips: Trips, return_s: int, counts: bool
) -> None:
    """In the events that count at the cut, and in the history of a trip at that moment."""
    at_moment = int(np.flatnonzero(trips.time_T == MOMENT_S)[0])
    bought = trips.history(at_moment)[0]
    returned = dataclasses.replace(
        trips, returned_event_R=np.array([bought]), returned_time_R=np.array([return_s], np.int64)
    )
    assert returned.kept_events(MOMENT_S)[bought] == counts
    assert (bought in returned.history(at_moment)) == counts


def test_stretches_of_events_are_of_whole_shoppers(trips: Trips) -> None:
    """Shoppers of one, two and four events: `gone`, `new` and `old`."""
    stretches = {most: [(part.start, part.stop) for part in trips.by_shopper(most)] for most in (1, 3, 4, 6, 7)}
    apart = [(0, 1), (1, 3), (3, 7)]
    assert stretches == {1: apart, 3: [(0, 3), (3, 7)], 4: [(0, 3), (3, 7)], 6: [(0, 3), (3, 7)], 7: [(0, 7)]}
