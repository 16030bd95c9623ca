"""The job that fills an empty Redis, on a real one."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis

from model.data.trips import Trips
from model.serving.history.redis_store import RedisStore
from model.serving.history.seed import main, seed
from model.serving.history.store import Event
from tests.model.serving.history.redis_server import redis_server
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as (_, address):
        yield address


@pytest.fixture
def store(url: str) -> Iterator[RedisStore]:
    redis.Redis.from_url(url).flushdb()
    opened = RedisStore(url, 3)
    yield opened
    opened.close()


@pytest.fixture
def trips() -> Trips:
    events = purchases(("ann", 1, "a b"), ("ann", 5, "a"), ("ann", 12, "b"), ("bob", 2, "b"), ("new", 11, "a"))
    return build_trips(events, np.array(["a", "b"], dtype=object), seconds(10), 100)


def _items(store: RedisStore, user_id: str) -> list[str]:
    return store.history(user_id, seconds(100))[0]


def test_every_shopper_gets_the_purchases_before_the_cut(store: RedisStore, trips: Trips) -> None:
    assert seed(store, trips) == 2
    assert [sorted(_items(store, shopper)) for shopper in ("ann", "bob", "new")] == [["a", "a", "b"], ["b"], []]


def test_the_events_have_store_quantity_and_price(store: RedisStore, trips: Trips) -> None:
    details = {
        "store_ids": np.array(["", "east"], object),
        "event_store_E": np.array([0, 1, 0, 0, 1, 0], np.int32)[: len(trips.event_item_E)],
        "event_quantity_E": np.arange(1, len(trips.event_item_E) + 1, dtype=np.float32),
        "event_price_E": np.full(len(trips.event_item_E), 1.25, np.float32),
    }
    seed(store, dataclasses.replace(trips, **details))
    items, _, stores, quantities, prices, *_ = store.history("ann", seconds(100))
    assert items == ["a", "b", "a"] and stores is not None and stores.texts() == ["", "east", ""]
    assert quantities is not None and quantities.tolist() == [1, 2, 3]
    assert prices is not None and prices.tolist() == [1.25] * 3


def test_a_second_run_does_nothing_and_the_forgotten_stay_forgotten(store: RedisStore, trips: Trips) -> None:
    seed(store, trips)
    store.delete("bob")
    assert seed(store, trips) == 0
    assert _items(store, "bob") == []


def test_a_run_that_died_is_resumed(store: RedisStore, trips: Trips, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.append
    with monkeypatch.context() as patch:
        patch.setattr(store, "append", lambda events: real(events) if events[0].user_id == "ann" else 1 // 0)
        with pytest.raises(ZeroDivisionError):
            seed(store, trips)
    assert seed(store, trips) == 1
    assert (len(_items(store, "ann")), len(_items(store, "bob"))) == (3, 1)


def test_what_a_shopper_bought_meanwhile_is_kept(store: RedisStore, trips: Trips) -> None:
    store.append([Event(event_id="live", user_id="bob", item_id="a", time_s=seconds(13))])
    assert seed(store, trips) == 2
    assert _items(store, "bob") == ["b", "a"]


def test_the_command_reports_what_it_did(
    store: RedisStore, trips: Trips, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trips.save(tmp_path / "trips")
    arguments = ["--examples", str(tmp_path), "--store", url]
    assert [main(arguments), main(arguments), main(["--examples", "/nowhere", "--store", url])] == [0, 0, 2]
    printed = capsys.readouterr()
    again = f"seeded before (events before {seconds(10)}); attributes renewed, no history added"
    assert printed.out == f"2 shoppers got a history\n{again}\n"
    assert printed.err == "aisle: expected trips/ in --examples /nowhere, found none\n"


def test_attributes_are_renewed_but_not_of_who_was_forgotten(store: RedisStore, trips: Trips) -> None:
    seed(store, dataclasses.replace(trips, user_attributes={"age": np.array(["30", "40", "9"], object)}))
    assert store.delete("bob")
    seed(store, dataclasses.replace(trips, user_attributes={"age": np.array(["31", "41", "9"], object)}))
    assert store.history("ann", seconds(99)).attributes == (("age", "31"),)
    assert store.history("bob", seconds(99)).attributes == ()
