"""What only the store in Redis does: it may be down, slow, full or closed to us, and come back."""

import os
import signal
import time
from pathlib import Path

import pytest

from components.rollout.local.processes import free_port
from model.errors import StoreUnavailable
from model.serving.history.redis_store import RedisStore
from model.serving.history.store import Event
from tests.model.serving.history.redis_server import redis_server

EVENT = Event(event_id="1", user_id="u", item_id="milk", time_s=10)


def _refuses(store: RedisStore) -> bool:
    for call in (lambda: store.history("u", 99), lambda: store.append([EVENT]), lambda: store.delete("u")):
        with pytest.raises(StoreUnavailable, match="Redis does not answer") as error:
            call()
        assert "\n" not in str(error.value)
    return True


def test_a_redis_that_is_down_is_unavailable_and_works_once_it_is_up(tmp_path: Path) -> None:
    port = free_port()
    store = RedisStore(f"redis://127.0.0.1:{port}/0")
    assert _refuses(store)
    with redis_server(tmp_path, port=port):
        assert store.append([EVENT]) == 1
    assert _refuses(store)
    with redis_server(tmp_path, port=port):
        assert store.history("u", 99)[0] == []


def test_a_redis_that_hangs_holds_no_caller_longer_than_twice_the_timeout(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (process, url):
        store = RedisStore(url, timeout_s=0.1)
        store.append([EVENT])
        os.kill(process.pid, signal.SIGSTOP)
        begin = time.monotonic()
        with pytest.raises(StoreUnavailable, match="Timeout"):
            store.history("u", 99)
        assert time.monotonic() - begin < 1
        os.kill(process.pid, signal.SIGCONT)
        assert store.history("u", 99)[0] == ["milk"]


def test_a_full_redis_still_answers_what_it_knows(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as (_, url):
        store = RedisStore(url)
        store.append([EVENT])
        many = [Event(event_id=str(n), user_id=f"v{n}", item_id="x" * 200, time_s=n) for n in range(20_000)]
        with pytest.raises(StoreUnavailable, match=r"OutOfMemory|OOM"):
            store.append(many)
        assert store.history("u", 99)[0] == ["milk"]
        assert store.delete("v1") and store.delete("u") and store.history("u", 99)[0] == []


def test_a_password_may_come_apart_from_the_url_and_a_wrong_one_is_unavailable(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", "secret") as (_, url):
        assert RedisStore(url, password="secret").append([EVENT]) == 1
        assert _refuses(RedisStore(url))
        assert _refuses(RedisStore(url, password="guess"))


def test_two_servers_see_each_others_events(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (_, url):
        first, other = RedisStore(url), RedisStore(url)
        first.append([EVENT])
        assert other.history("u", 99)[0] == ["milk"]
        other.delete("u")
        assert first.history("u", 99)[0] == []
