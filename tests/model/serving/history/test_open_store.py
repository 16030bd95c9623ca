"""What every store does, run on both: LMDB, and a real Redis."""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.errors import InputError, RecordDamaged
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.redis_store import PREFIX, RedisStore
from model.serving.history.store import Event, open_store
from tests.model.serving.history.redis_server import redis_server
from tests.model.serving.history.test_record import first_form

Store = LmdbStore | RedisStore
Open = Callable[[int], Store]
"""max_history -> a fresh store."""


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as (_, url):
        yield url


@pytest.fixture(params=["lmdb", "redis"])
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    def open_lmdb(max_history: int) -> Store:
        return LmdbStore(tmp_path_factory.mktemp("store"), max_history)

    def open_redis(max_history: int) -> Store:
        url = request.getfixturevalue("redis_url")
        redis.Redis.from_url(url).flushdb()
        return RedisStore(url, max_history)

    return open_lmdb if request.param == "lmdb" else open_redis


@pytest.fixture
def store(fresh: Open) -> Iterator[Store]:
    opened = fresh(3)
    yield opened
    opened.close()


def _event(event_id: str, time_s: int, item_id: str = "milk", user_id: str = "u") -> Event:
    return Event(event_id=event_id, user_id=user_id, item_id=item_id, time_s=time_s)


def _history(store: Store, before_s: int = 10**9, user_id: str = "u") -> list[tuple[str, int]]:
    items, times, *_ = store.history(user_id, before_s)
    assert times.dtype == np.int64
    return list(zip(items, times.tolist(), strict=True))


def _put(store: Store, user_id: str, value: bytes) -> None:
    if isinstance(store, RedisStore):
        store._redis.set(PREFIX + user_id.encode(), value)
    else:
        with store._generation.env.begin(write=True) as transaction:
            transaction.put(user_id.encode(), value)


def test_a_history_has_where_how_many_and_at_what_price(store: Store) -> None:
    detailed = dataclasses.replace(_event("2", 20, "b"), store_id="east", quantity=2.5, price=0.1)
    store.append([detailed, _event("1", 10, "a"), dataclasses.replace(_event("3", 30, "c"), store_id="west")])
    items, times, stores, quantities, prices, *_ = store.history("u", 99)
    assert (items, times.tolist()) == (["a", "b", "c"], [10, 20, 30])
    assert stores is not None and stores.texts() == ["", "east", "west"]
    assert quantities is not None and (quantities.dtype, quantities.tolist()) == (np.float32, [1, 2.5, 1])
    assert prices is not None and (prices.dtype, prices.tolist()) == (np.float32, [0, float(np.float32(0.1)), 0])
    assert [len(column) for column in store.history("u", 20)[:2]] == [1, 1]
    earlier = store.history("u", 20)
    assert earlier.stores is not None and earlier.stores.texts() == [""]


def test_records_of_the_form_before_are_read_and_added_to(store: Store) -> None:
    _put(store, "u", first_form([(10, 5, "milk"), (20, 6, "tea")]))
    assert _history(store) == [("milk", 10), ("tea", 20)]
    assert store.append([dataclasses.replace(_event("new", 15, "bread"), store_id="east")]) == 1
    assert _history(store) == [("milk", 10), ("bread", 15), ("tea", 20)]
    stores = store.history("u", 99).stores
    assert stores is not None and stores.texts() == ["", "east", ""]


def test_views_are_no_purchases_and_push_none_out(store: Store) -> None:
    views = [dataclasses.replace(_event(f"v{n}", n, "seen"), event_type="view") for n in range(9, 40)]
    store.append([_event("1", 10, "a"), *views, _event("2", 20, "b")])
    assert _history(store) == [("a", 10), ("b", 20)]
    assert store.append(views[-3:]) == 0
    store.append([_event(str(n), n, "c") for n in (50, 60, 70)])
    assert _history(store) == [("c", 50), ("c", 60), ("c", 70)]


def test_attributes_stay_beside_the_events_until_the_shopper_is_deleted(store: Store) -> None:
    assert not store.describe("u", [("age", "40")]) and store.history("u", 99).attributes == ()
    store.append([_event("1", 10)])
    assert store.describe("u", [("age", "40"), ("pet", "a=b")])
    store.append([_event("2", 20)])
    assert store.history("u", 99).attributes == (("age", "40"), ("pet", "a=b"))
    assert store.history("u", 5).items == [] and store.history("u", 5).attributes
    assert store.describe("u", []) and store.history("u", 99).attributes == ()
    store.describe("u", [("age", "40")])
    store.delete("u")
    store.append([_event("1", 10)])
    assert store.history("u", 99).attributes == ()


@pytest.mark.parametrize("pair", [("", "x"), ("x", ""), ("a\0b", "x")])
def test_an_impossible_attribute_is_refused(store: Store, pair: tuple[str, str]) -> None:
    store.append([_event("1", 10)])
    with pytest.raises(InputError, match="attribute"):
        store.describe("u", [pair])


def test_without_a_moment_the_history_is_all_of_it(store: Store) -> None:
    store.append([_event("1", 10, "a"), _event("2", 10**9, "b")])
    assert store.history("u", None)[0] == ["a", "b"]


def test_what_a_return_takes_back_leaves_the_history_at_that_moment(store: Store) -> None:
    """Two of a and one of b are bought at 10; one a goes back at 20, then at 30 the other, and b."""
    two = dataclasses.replace(_event("1", 10, "a"), quantity=2.0)
    back = [dataclasses.replace(_event(f"r{n}", 10 * n, "a"), event_type="return") for n in (2, 3)]
    other = dataclasses.replace(_event("r4", 30, "b"), event_type="return", quantity=5.0)
    store.append([two, _event("2", 10, "b"), *back, other])
    assert _history(store, before_s=21) == [("a", 10), ("b", 10)]
    assert _history(store, before_s=30) == [("a", 10), ("b", 10)]
    assert _history(store, before_s=31) == []


def test_a_return_takes_the_latest_purchase_first_and_none_that_is_too_old_or_later(store: Store) -> None:
    month = 30 * 86400
    store.append([_event("1", 10, "a"), _event("2", 20, "a"), _event("3", month + 15, "a")])
    store.append([dataclasses.replace(_event("r", month + 12, "a"), event_type="return", quantity=3.0)])
    assert _history(store) == [("a", 10), ("a", month + 15)]


def test_an_event_sent_again_with_another_content_replaces_the_first_and_one_of_nothing_removes_it(
    store: Store,
) -> None:
    store.append([_event("1", 10, "a"), _event("2", 20, "b")])
    assert store.append([dataclasses.replace(_event("1", 30, "c"), quantity=2.0)]) == 0
    assert _history(store) == [("b", 20), ("c", 30)]
    nothing = dataclasses.replace(_event("2", 20, "b"), quantity=0.0)
    assert store.append([nothing, dataclasses.replace(nothing, event_id="other")]) == 0
    assert _history(store) == [("c", 30)]


def test_stamps_of_the_future_push_nothing_out(store: Store) -> None:
    store.append([dataclasses.replace(_event(str(n), n, f"i{n}"), arrival_s=n) for n in (100, 101, 102)])
    ahead = [dataclasses.replace(_event(f"f{n}", 10**8 + n, "x"), arrival_s=99) for n in range(3)]
    store.append(ahead)
    assert _history(store) == [("i100", 100), ("i101", 101), ("i102", 102)]
    assert store.append([dataclasses.replace(_event("late", 50, "y"), arrival_s=103)]) == 1
    assert _history(store) == [("i100", 100), ("i101", 101), ("i102", 102)]


def test_what_was_bought_before_the_events_that_are_stored_is_known(store: Store) -> None:
    store.append([_event(str(n), n, item) for n, item in enumerate("abacadef", 1)])
    history = store.history("u", None)
    assert (history.items, history.earlier) == (["d", "e", "f"], ["b", "c", "a"])  # in the order of the last purchase
    store.append(
        [dataclasses.replace(_event("r", 9, "d"), event_type="return"), *(_event(f"{n}+", n) for n in (9, 10, 11))]
    )
    assert store.history("u", None).earlier == ["b", "c", "a", "e", "f"]  # d was returned


def test_a_damaged_record_is_a_shopper_that_cannot_be_read_and_can_be_written_and_deleted(store: Store) -> None:
    store.append([_event("1", 10, user_id="v")])
    _put(store, "u", b"once upon a time")
    with pytest.raises(RecordDamaged):
        store.history("u", 99)
    assert _history(store, user_id="v") == [("milk", 10)]
    assert store.append([_event("2", 20)]) == 1
    assert _history(store) == [("milk", 20)]
    _put(store, "u", b"once upon a time")
    assert store.delete("u") and _history(store) == []


def test_an_unknown_shopper_has_an_empty_history(store: Store) -> None:
    assert _history(store) == []


def test_history_is_strictly_before_the_moment_asked_for(store: Store) -> None:
    store.append([_event("1", 10, "a"), _event("2", 20, "b")])
    assert _history(store, before_s=20) == [("a", 10)]
    assert _history(store, before_s=21) == [("a", 10), ("b", 20)]
    assert _history(store, before_s=10) == []


def test_late_events_land_in_order(store: Store) -> None:
    store.append([_event("2", 20, "b")])
    store.append([_event("3", 30, "c"), _event("1", 10, "a")])
    assert _history(store) == [("a", 10), ("b", 20), ("c", 30)]


def test_an_event_sent_again_changes_nothing(store: Store) -> None:
    assert store.append([_event("1", 10, "a"), _event("1", 10, "a")]) == 1
    assert store.append([_event("1", 10, "a")]) == 0
    assert _history(store) == [("a", 10)]


def test_only_the_most_recent_events_are_kept_and_a_dropped_one_does_not_come_back(store: Store) -> None:
    store.append([_event(str(n), n, f"i{n}") for n in range(1, 6)])
    store.append([_event("1", 1, "i1")])
    assert _history(store) == [("i3", 3), ("i4", 4), ("i5", 5)]


def test_a_deleted_shopper_is_unknown(store: Store) -> None:
    store.append([_event("1", 10), _event("2", 10, user_id="v")])
    assert store.delete("u")
    assert not store.delete("u")
    assert _history(store) == []
    assert _history(store, user_id="v") == [("milk", 10)]


def test_nothing_is_left_of_a_deleted_shopper_not_even_which_events_were_seen(store: Store) -> None:
    store.append([_event("1", 10)])
    store.delete("u")
    if isinstance(store, RedisStore):
        assert store._redis.keys() == []
    else:
        assert store._generation.env.stat()["entries"] == 0
    assert store.append([_event("1", 10)]) == 1


def test_events_of_one_moment_are_ordered_by_item_regardless_of_arrival(store: Store) -> None:
    store.append([_event("1", 10, "b")])
    store.append([_event("2", 10, "a")])
    assert _history(store) == [("a", 10), ("b", 10)]


def test_concurrent_appends_for_one_shopper_lose_nothing(fresh: Open) -> None:
    store = fresh(1000)

    def send(sender: int) -> int:
        return sum(store.append([_event(f"{sender}-{n}", n)]) for n in range(25))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, range(4))) == [25, 25, 25, 25]
    assert len(_history(store)) == 100
    store.close()


@pytest.mark.parametrize("bad", ["", "a\0b", "x" * 257, "\ud800"])
def test_an_impossible_id_is_refused_and_nothing_is_written(store: Store, bad: str) -> None:
    with pytest.raises(InputError, match="expected 1 to 256 bytes"):
        store.append([_event("1", 10, "good"), _event("2", 10, bad)])
    with pytest.raises(InputError, match="expected 1 to 256 bytes"):
        store.append([_event("2", 10, user_id=bad)])
    if bad:
        with pytest.raises(InputError, match="store_id: expected 1 to 256 bytes"):
            store.append([_event("1", 10, "good"), dataclasses.replace(_event("2", 10), store_id=bad)])
    assert _history(store) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50), st.sampled_from("abc")), max_size=20),
    cut=st.integers(0, 20),
)
def test_any_order_and_any_repetition_of_batches_gives_the_same_history(
    fresh: Open, events: list[tuple[int, int, str]], cut: int
) -> None:
    by_id = {number: _event(str(number), time_s, item) for number, time_s, item in events}
    all_events = list(by_id.values())
    once = fresh(4)
    once.append(all_events)
    expected = sorted((event.time_s, event.item_id) for event in all_events)[-4:]
    assert _history(once) == [(item, time_s) for time_s, item in expected]
    once.close()
    again = fresh(4)
    for batch in (all_events[cut:], all_events[:cut], all_events):
        again.append(batch[::-1])
    assert _history(again) == [(item, time_s) for time_s, item in expected]
    again.close()


@pytest.mark.parametrize("name", ["", "lmdb:", "http://x", "redis://x:port"])
def test_a_name_that_names_no_store_is_refused_with_one_line(name: str) -> None:
    with pytest.raises(InputError, match="redis://host:port/database") as error:
        open_store(name, 10)
    assert "\n" not in str(error.value)


def test_a_store_is_opened_by_its_name(tmp_path: Path, redis_url: str) -> None:
    opened: list[Any] = [open_store(name, 10) for name in (str(tmp_path / "a"), f"lmdb:{tmp_path / 'b'}", redis_url)]
    assert [type(store) for store in opened] == [LmdbStore, LmdbStore, RedisStore]
    assert [store.append([_event("1", 10)]) for store in opened] == [1, 1, 1]
