"""The port of live state, and the form in which every store keeps it: what each shopper bought, as raw events.

Nothing is precomputed, so nothing can be stale. One shopper is one key; the value is that shopper's most recent events
in a compact binary form:

    count uint32 | time_s int64[count] | event digest uint64[count] | item ids, UTF-8, joined by NUL

Events are kept in the order (time, item id, digest), whatever order they came in. The digest (8 bytes of the event
id's BLAKE2b) makes appending idempotent for each shopper: an event sent again is found by it, and one that was dropped
for being older than the `max_history` kept would be dropped again. All that is known of a shopper is in that value, so
deleting the key forgets the shopper, the digests of the events seen included.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np

from model.errors import InputError
from model.serving.v2_inputs import check_id

_COUNT = struct.Struct("<I")


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One purchase. `event_id` names it for ever: sent twice, it counts once.

    Example:
        >>> milk = Event(event_id="receipt-1", user_id="ann", item_id="milk", time_s=100)
        >>> value, added = merged(None, [milk, milk], max_history=10)
        >>> added, before(value, 101)[0]
        (1, ['milk'])
    """

    event_id: str
    user_id: str
    item_id: str
    time_s: int


class HistoryStore(Protocol):
    """What serving needs from live state. Thread-safe. Each method raises StoreUnavailable when it cannot be had."""

    remote: bool
    """Whether a lookup may have to wait for another program; if not, it takes microseconds."""

    def history(self, user_id: str, before_s: int) -> tuple[list[str], np.ndarray]:
        """([H] item ids, [H] int64 unix seconds) strictly before `before_s`, oldest first; empty when unknown."""
        ...

    def append(self, events: Sequence[Event]) -> int:
        """Adds events, in any order; returns how many were not there before. What it returned for is in the next
        `history`. Raises InputError on an id that is empty, too long or has a NUL, before anything is written."""
        ...

    def delete(self, user_id: str) -> bool:
        """Forgets a shopper; True when there was something to forget."""
        ...

    def close(self) -> None:
        """Releases what it holds."""
        ...


def open_store(name: str, max_history: int, redis_password: str | None = None) -> HistoryStore:
    """The embedded store of `lmdb:PATH` or a plain path, or the shared one of `redis://host:port/database`.

    Raises InputError when `name` describes none.
    """
    if name.startswith(("redis://", "rediss://", "unix://")):
        from model.serving.history.redis_store import RedisStore

        return RedisStore(name, max_history, redis_password)
    path = name.removeprefix("lmdb:")
    if not path or "://" in path:
        raise InputError(f"store: expected lmdb:PATH, a path or redis://host:port/database, got {name!r}")
    from model.serving.history.lmdb_store import LmdbStore

    return LmdbStore(Path(path), max_history)


def check_max_history(max_history: int) -> int:
    """Returns `max_history` when it is at least 1; raises InputError when not."""
    if max_history < 1:
        raise InputError(f"max_history: expected at least 1, got {max_history}")
    return max_history


def key_of(user_id: str) -> bytes:
    """The shopper's key; raises InputError on an id that cannot be one."""
    return check_id("user_id", user_id).encode()


def before(value: bytes | None, before_s: int) -> tuple[list[str], np.ndarray]:
    """HistoryStore.history of a stored value; None is an unknown shopper."""
    if value is None:
        return [], np.empty(0, np.int64)
    times, _, items = _split(value)
    end = int(np.searchsorted(times, before_s, side="left"))
    return items[:end], times[:end]


def by_key(events: Sequence[Event]) -> dict[bytes, list[Event]]:
    """Events by shopper's key; raises InputError on any bad id."""
    events_by_key: dict[bytes, list[Event]] = {}
    for event in events:
        check_id("item_id", event.item_id)
        events_by_key.setdefault(key_of(event.user_id), []).append(event)
    return events_by_key


def merged(value: bytes | None, events: Sequence[Event], max_history: int) -> tuple[bytes | None, int]:
    """(new value, events that were not there before); (None, 0) when nothing changes. `events` are one shopper's."""
    old: list[tuple[int, str, int]] = []
    if value is not None:
        times_n, digests_n, items_n = _split(value)
        old = list(zip(times_n.tolist(), items_n, digests_n.tolist(), strict=True))
    stored_digests = {digest for _, _, digest in old}
    fresh = {}
    for event in events:
        digest = _digest(event.event_id)
        if digest not in stored_digests:
            fresh[digest] = (event.time_s, event.item_id, digest)
    if not fresh:
        return None, 0
    times, items, digests = zip(*sorted([*old, *fresh.values()])[-max_history:], strict=True)
    return _pack(np.array(times, np.int64), np.array(digests, np.uint64), items), len(fresh)


def packed(
    user_ids: np.ndarray,
    item_ids: np.ndarray,
    user_E: np.ndarray,
    item_E: np.ndarray,
    time_E: np.ndarray,
    max_history: int,
) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of each shopper in user_E: the fast way to seed a store.

    user_ids [U] and item_ids [I] are strings; user_E, item_E are int indices into them and time_E int64 unix seconds,
    [E] each, sorted by (user, time) as in model.data.trips.Trips. Raises InputError when they are not.
    """
    step = np.diff(user_E)
    if (step < 0).any() or ((step == 0) & (np.diff(time_E) < 0)).any():
        raise InputError("bulk_load: expected events sorted by (user, time), got another order; sort them first")
    begins = np.flatnonzero(np.concatenate([[True], step != 0])) if len(user_E) else np.empty(0, np.int64)
    for begin, end in zip(begins, [*begins[1:], len(user_E)], strict=False):
        newest = slice(max(begin, end - max_history), end)
        count = newest.stop - newest.start
        value = _pack(time_E[newest], np.arange(count), item_ids[item_E[newest]].tolist())
        yield key_of(str(user_ids[user_E[begin]])), value


def _digest(event_id: str) -> int:
    return int.from_bytes(blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _pack(times: np.ndarray, digests: np.ndarray, items: Iterable[str]) -> bytes:
    return b"".join(
        (
            _COUNT.pack(len(times)),
            times.astype("<i8").tobytes(),
            digests.astype("<u8").tobytes(),
            "\0".join(items).encode(),
        )
    )


def _split(value: bytes) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """([n] int64 times, [n] uint64 digests, [n] item ids)"""
    (count,) = _COUNT.unpack_from(value)
    times = np.frombuffer(value, "<i8", count, _COUNT.size)
    digests = np.frombuffer(value, "<u8", count, _COUNT.size + 8 * count)
    return times, digests, value[_COUNT.size + 16 * count :].decode().split("\0")
