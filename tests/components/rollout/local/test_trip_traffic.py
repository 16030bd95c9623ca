"""What the traffic sends of a trip."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from components.rollout.local.trip_traffic import lines, seed_store
from components.rollout.local.v2_client import Line
from model.errors import InputError
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from tests.pencil_world import trips_of

WORLD = dataclasses.replace(
    trips_of(("u", 98, "a"), ("u", 101, "a b"), ("u", 103, "c"), ("v", 101, "c"), stores=("", "east", "west")),
    # The events of u, then that of v: a; a, b; c; c.
    event_store_E=np.array([1, 1, 0, 1, 1], np.int32),
    event_quantity_E=np.array([9, 2, 0.5, 1, 4], np.float32),
    event_price_E=np.array([9, 1.25, 0, 3, 5], np.float32),
)
"""Every trip is in the store west, though their events are elsewhere."""
TRIP = 1


def test_a_basket_is_sent_with_where_how_many_and_at_what_price_as_in_its_events() -> None:
    assert lines(WORLD, TRIP) == [
        Line(item_id="a", store_id="east", quantity=2.0, price=1.25),
        Line(item_id="b", store_id="", quantity=0.5, price=0.0),
    ]


def test_what_has_no_event_is_one_piece_in_the_trips_store_at_no_known_price() -> None:
    """c is bought two days later only, and by another shopper."""
    with_c = dataclasses.replace(WORLD, basket_item_B=np.where(WORLD.basket_item_B == 1, 2, WORLD.basket_item_B))
    assert lines(with_c, TRIP)[1] == Line(item_id="c", store_id="west", quantity=1.0, price=0.0)
    none = dataclasses.replace(WORLD, history_end_T=np.full(len(WORLD), len(WORLD.event_item_E)))
    assert [line.store_id for line in lines(none, TRIP)] == ["west", "west"]


def test_a_store_that_a_server_uses_is_not_replaced_and_loses_no_event(tmp_path: Path) -> None:
    serving = LmdbStore(seed_store(WORLD, tmp_path / "store", 100))
    serving.append([Event(event_id="1", user_id="new", item_id="milk", time_s=5)])
    with pytest.raises(InputError, match="a running server uses it"):
        seed_store(WORLD, tmp_path / "store", 100)
    assert serving.history("new", 10).items == ["milk"]
    serving.close()
    seed_store(WORLD, tmp_path / "store", 100)


def test_a_seeded_store_has_the_attributes_of_its_shoppers(tmp_path: Path) -> None:
    aged = dataclasses.replace(WORLD, user_attributes={"age": np.array(["40", ""], object)})
    store = LmdbStore(seed_store(aged, tmp_path / "store", 100))
    assert [store.history(str(user), 10**10).attributes for user in WORLD.user_ids[:2]] == [(("age", "40"),), ()]
    store.close()
