"""Live state: what each shopper bought, as raw events. Nothing is precomputed, so nothing can be stale.

One shopper is one key; the value is that shopper's most recent events in a compact binary form:

    count uint32 | time_s int64[count] | event digest uint64[count] | item ids, UTF-8, joined by NUL

Events are kept in the order (time, item id, digest), whatever order they came in. The digest (8 bytes of the event
id's BLAKE2b) makes `append` idempotent for each shopper: an event sent again is found by it, and one that was dropped
for being older than the `max_history` kept would be dropped again.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import lmdb
import numpy as np

from model.errors import InputError, StageFailed

MAX_ID_BYTES = 256
MAP_BYTES = 8 << 30
"""Ceiling of the store's file (sparse: it takes what it holds)."""

_COUNT = struct.Struct("<I")
_Row = tuple[int, str, int]
"""(time_s, item id, digest)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One purchase. `event_id` names it for ever: sent twice, it counts once."""

    event_id: str
    user_id: str
    item_id: str
    time_s: int


class HistoryStore(Protocol):
    """What serving needs from live state."""

    def history(self, user_id: str, before_s: int) -> tuple[list[str], np.ndarray]:
        """([H] item ids, [H] int64 unix seconds) strictly before `before_s`, oldest first; empty when unknown."""
        ...

    def append(self, events: Sequence[Event]) -> int:
        """Adds events, in any order; returns how many were not there before."""
        ...

    def delete(self, user_id: str) -> bool:
        """Forgets a shopper; True when there was something to forget."""
        ...


class LmdbStore:
    """An embedded HistoryStore in one directory that several processes may share.

    A process killed at any moment loses nothing that `append` returned for. After a power failure the last appends
    may be gone, and the store is whole. Thread-safe. Open a directory once in a process.
    """

    def __init__(self, directory: Path, max_history: int = 2048) -> None:
        """`max_history`: events kept for each shopper, the same in all processes that share the directory."""
        if max_history < 1:
            raise InputError(f"max_history: expected at least 1, got {max_history}")
        directory.mkdir(parents=True, exist_ok=True)
        self.max_history = max_history
        try:
            self._env = lmdb.open(str(directory), map_size=MAP_BYTES, metasync=False, max_readers=512)
        except lmdb.Error as error:
            raise StageFailed(f"store {directory}: cannot be opened ({error})") from None
        self._env.reader_check()

    def history(self, user_id: str, before_s: int) -> tuple[list[str], np.ndarray]:
        with self._env.begin() as transaction:
            value = transaction.get(_key(user_id))
        if value is None:
            return [], np.empty(0, np.int64)
        times, _, items = _split(value)
        end = int(np.searchsorted(times, before_s, side="left"))
        return items[:end], times[:end]

    def append(self, events: Sequence[Event]) -> int:
        """Raises InputError on an id that is empty, too long or has a NUL, before anything is written."""
        rows_of: dict[bytes, list[_Row]] = {}
        for event in events:
            check_id("item_id", event.item_id)
            digest = int.from_bytes(
                blake2b(event.event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
            )
            rows_of.setdefault(_key(event.user_id), []).append((event.time_s, event.item_id, digest))
        added = 0
        with self._env.begin(write=True) as transaction:
            for key, rows in rows_of.items():
                value = transaction.get(key)
                old = [] if value is None else _rows(value)
                known = {digest for _, _, digest in old}
                fresh = {row[2]: row for row in rows if row[2] not in known}
                if fresh:
                    kept = sorted([*old, *fresh.values()])[-self.max_history :]
                    transaction.put(key, _pack_rows(kept))
                    added += len(fresh)
        return added

    def bulk_load(
        self, user_ids: np.ndarray, item_ids: np.ndarray, user_E: np.ndarray, item_E: np.ndarray, time_E: np.ndarray
    ) -> int:
        """Replaces the histories of the shoppers in user_E; the fast way to seed. Returns the shoppers written.

        user_ids [U] and item_ids [I] are strings; user_E, item_E are int indices into them and time_E int64 unix
        seconds, [E] each, sorted by (user, time) as in model.trips.Trips. Raises InputError when they are not.
        """
        if len(user_E) == 0:
            return 0
        step = np.diff(user_E)
        if (step < 0).any() or ((step == 0) & (np.diff(time_E) < 0)).any():
            raise InputError("bulk_load: expected events sorted by (user, time), got another order; sort them first")
        begins = np.flatnonzero(np.concatenate([[True], step != 0]))
        ends = np.append(begins[1:], len(user_E))
        with self._env.begin(write=True) as transaction:
            for begin, end in zip(begins, ends, strict=True):
                kept = slice(max(begin, end - self.max_history), end)
                count = kept.stop - kept.start
                value = _pack(time_E[kept], np.arange(count), item_ids[item_E[kept]].tolist())
                transaction.put(_key(str(user_ids[user_E[begin]])), value)
        return len(begins)

    def delete(self, user_id: str) -> bool:
        with self._env.begin(write=True) as transaction:
            return bool(transaction.delete(_key(user_id)))

    def close(self) -> None:
        """Flushes to disk and closes."""
        self._env.sync(True)
        self._env.close()


def check_id(name: str, value: str) -> str:
    """Returns `value` when it can be an id; raises InputError when not."""
    size = len(value.encode("utf-8", "surrogatepass"))
    if not 0 < size <= MAX_ID_BYTES or "\0" in value or size != len(value.encode("utf-8", "ignore")):
        raise InputError(f"{name}: expected 1 to {MAX_ID_BYTES} bytes of UTF-8 without NUL, got {value[:40]!r}")
    return value


def _key(user_id: str) -> bytes:
    return check_id("user_id", user_id).encode()


def _pack(times: np.ndarray, digests: np.ndarray, items: Iterable[str]) -> bytes:
    return b"".join(
        (
            _COUNT.pack(len(times)),
            times.astype("<i8").tobytes(),
            digests.astype("<u8").tobytes(),
            "\0".join(items).encode(),
        )
    )


def _pack_rows(rows: list[_Row]) -> bytes:
    times, items, digests = zip(*rows, strict=True)
    return _pack(np.array(times, np.int64), np.array(digests, np.uint64), items)


def _split(value: bytes) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """([n] int64 times, [n] uint64 digests, [n] item ids)"""
    (count,) = _COUNT.unpack_from(value)
    times = np.frombuffer(value, "<i8", count, _COUNT.size)
    digests = np.frombuffer(value, "<u8", count, _COUNT.size + 8 * count)
    return times, digests, value[_COUNT.size + 16 * count :].decode().split("\0")


def _rows(value: bytes) -> list[_Row]:
    times, digests, items = _split(value)
    return list(zip(times.tolist(), items, digests.tolist(), strict=True))
