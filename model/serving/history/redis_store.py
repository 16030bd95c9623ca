"""Live state in Redis, for servers on several machines: a purchase sent to one is in the next answer of all.

One string for each shopper under `aisle:history:`, in the form of model/serving/history/store.py. An append reads,
merges and writes under WATCH (optimistic locking, https://redis.io/docs/latest/develop/using-commands/transactions/),
so concurrent appends for one shopper lose nothing. What a killed Redis keeps is Redis's own setting (appendfsync).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from model.errors import InputError, StoreUnavailable
from model.serving.history import store as history
from model.serving.history import values
from model.serving.history.store import Event, History

PREFIX = b"aisle:history:"
SEEDED = "aisle:seeded"
TIMEOUT_S = 0.25
"""Longest wait for a connection or for one command: a thread is never held longer than twice this."""
REWRITE_S, POLL_S = 600.0, 0.1
"""Longest wait for Redis to write its files again, and the time between two questions whether it is done."""


class RedisStore:
    """A HistoryStore in one Redis database that any number of servers share. Connects when first used.

    Example:
        >>> store = RedisStore("redis://127.0.0.1:6379/0", max_history=100)  # connects when it is first used
        >>> store.remote, store.max_history
        (True, 100)
    """

    remote = True

    def __init__(
        self, url: str, max_history: int = 2048, password: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """`url`: redis://[user:password@]host[:port][/database], rediss:// for TLS; `password` where the url has none.

        Raises InputError on an url that is none. A Redis that is down is found by the first request.
        """
        self.max_history = history.check_max_history(max_history)
        credentials = {} if password is None else {"password": password}
        try:
            self._redis = redis.Redis.from_url(
                url,
                **credentials,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            raise InputError(f"store: expected redis://host:port/database ({error!s:.80})") from None

    def history(self, user_id: str, before_s: int | None) -> History:
        key = _key(user_id)
        return values.before(_guarded(lambda: self._redis.get(key)), before_s)

    def append(self, events: Sequence[Event]) -> int:
        """Shopper by shopper: when it raises, some may be there already, and sending all again adds the rest."""
        return sum(
            self._change(PREFIX + key, partial(values.merged, events=of_key, max_history=self.max_history))
            for key, of_key in values.by_key(events).items()
        )

    def seeded(self) -> str | None:
        """The mark of `mark_seeded`, None before: it goes with the histories when Redis is emptied."""
        value = _guarded(lambda: self._redis.get(SEEDED))
        return None if value is None else bytes(value).decode()

    def mark_seeded(self, note: str) -> None:
        _guarded(lambda: self._redis.set(SEEDED, note))

    def describe(self, user_id: str, attributes: Sequence[tuple[str, str]]) -> bool:
        def described(value: bytes | None) -> tuple[bytes | None, int]:
            after = values.described(value, attributes)
            return after, after is not None

        return bool(self._change(_key(user_id), described))

    def delete(self, user_id: str) -> bool:
        key = _key(user_id)
        return bool(_guarded(lambda: self._redis.delete(key)))

    def compact(self) -> None:
        """As HistoryStore: rewrites the append-only file, and the snapshot where Redis makes any."""
        if _guarded(lambda: self._redis.info("persistence"))["aof_enabled"]:
            self._rewritten("aof_rewrite_in_progress", self._redis.bgrewriteaof)
        if _guarded(lambda: self._redis.config_get("save"))["save"]:
            self._rewritten("rdb_bgsave_in_progress", self._redis.bgsave)

    def _rewritten(self, busy: str, begin: Callable[[], Any]) -> None:
        """Waits for a rewrite that is under way, which may be from before the deletion, then for a new one."""
        self._wait_until_idle(busy)
        _guarded(begin)
        self._wait_until_idle(busy)

    def _wait_until_idle(self, *busy: str) -> None:
        deadline = time.monotonic() + REWRITE_S
        names = (*busy, "aof_rewrite_scheduled")
        while any(_guarded(lambda: self._redis.info("persistence")).get(name) for name in names):
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"store: Redis rewrites its files for more than {REWRITE_S:.0f} s; try later")
            time.sleep(POLL_S)

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """As HistoryStore; each shopper whole, though not all as of one moment, and one may come again."""
        keys = self._redis.scan_iter(match=PREFIX + b"*", count=1000)
        while (key := _guarded(partial(next, keys, None))) is not None:
            value = _guarded(partial(self._redis.get, key))
            if value is not None:
                yield key.removeprefix(PREFIX), value

    def shoppers_about(self) -> int:
        """As HistoryStore: the keys of the database."""
        return int(_guarded(self._redis.dbsize))

    def put(self, records: Iterator[tuple[bytes, bytes]]) -> int:
        count = 0
        for key, value in records:
            _guarded(partial(self._redis.set, PREFIX + key, value))
            count += 1
        return count

    def close(self) -> None:
        self._redis.close()

    def _change(self, key: bytes, change: Callable[[bytes | None], tuple[bytes | None, int]]) -> int:
        """Reads, changes and writes one value, again where another server wrote it meanwhile.

        change: value -> (new value, None where it stays; what is returned).
        """

        def in_pipeline(pipeline: Any) -> Any:
            value, result = change(pipeline.get(key))
            pipeline.multi()
            if value is not None:
                pipeline.set(key, value)
            return result

        return int(_guarded(lambda: self._redis.transaction(in_pipeline, key, value_from_callable=True)))


def _key(user_id: str) -> bytes:
    return PREFIX + history.key_of(user_id)


def _guarded(call: Callable[[], Any]) -> Any:
    """Redis's own errors (down, slow, full, wrong password) as StoreUnavailable."""
    try:
        return call()
    except redis.RedisError as error:
        raise StoreUnavailable(f"store: Redis does not answer ({type(error).__name__}: {error!s:.120})") from None
