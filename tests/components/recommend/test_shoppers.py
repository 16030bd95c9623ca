"""The shoppers of a store in Redis, and stores that are not there."""

from pathlib import Path

import pytest

from components.recommend.shoppers import ALL, Repeats, count, shoppers
from model.errors import InputError, StoreUnavailable
from model.serving.history.redis_store import RedisStore
from model.serving.history.store import Event, open_existing
from tests.model.serving.history.redis_server import redis_server


def test_all_shoppers_of_a_redis_have_their_history_before_the_moment(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (_, url):
        writer = RedisStore(url)
        bought = [("ann", "milk", 10), ("ann", "tea", 20), ("bob", "tea", 30)]
        writer.append(
            [Event(event_id=str(n), user_id=user, item_id=item, time_s=at) for n, (user, item, at) in enumerate(bought)]
        )
        store = open_existing(url)
        assert count(ALL, store) == 2
        histories = {user: list(history.items) for user, history in shoppers(ALL, store, 20) if history is not None}
        assert histories == {"ann": ["milk"], "bob": []}
        store.close()


def test_a_redis_that_goes_away_is_unavailable_in_one_line(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (_, url):
        store = open_existing(url)
        store.append([Event(event_id="1", user_id="ann", item_id="milk", time_s=10)])
    with pytest.raises(StoreUnavailable, match="Redis does not answer") as error:
        list(shoppers(ALL, store, None))
    assert "\n" not in str(error.value)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected an event store in .*nowhere, there is none"):
        open_existing(f"lmdb:{tmp_path / 'nowhere'}")
    assert not (tmp_path / "nowhere").exists()


def test_an_id_counts_once_over_many_batches() -> None:
    repeats, ids = Repeats(), [f"u{n % 700}" for n in range(2000)]
    first = [repeats.first(ids[start : start + 64]) for start in range(0, len(ids), 64)]
    assert [is_first for batch in first for is_first in batch] == [n < 700 for n in range(2000)]
