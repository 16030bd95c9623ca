"""The port of live state: what each shopper bought, as raw events. Nothing is precomputed, so nothing can be stale.

One shopper is one key; the value is that shopper's most recent events (their form: model/serving/history/record.py), in
the order (time, item id, digest), whatever order they came in. The digest (8 bytes of the event id's BLAKE2b) makes
appending idempotent for each shopper: an event sent again is found by it, and takes the place of the first where it
differs. One that was dropped for being older than the `max_history` kept would be dropped again. How old an event is
counts from its time or its arrival, whichever is earlier: no stamp of the future pushes anything out. All that is known
of a shopper is in that value, so deleting the key forgets the shopper, the digests of the events seen included.

Purchases are what a history is made of, without those that returns took back. Returns, and events of other types, which
no model reads yet, are kept beside them, as many again of each: a flood of views pushes no purchase out. Of purchases
that are dropped the items stay, so that what was ever bought is known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from model.api import Coded
from model.errors import InputError
from model.serving.history.record import TYPES
from model.serving.v2_inputs import check_id

BULK_TIMEOUT_S = 5.0
"""Longest wait for one command of Redis where no client waits for an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One purchase, or what its type is. `event_id` names it for ever: sent twice, it counts once.

    Example:
        >>> from model.serving.history.values import before, merged
        >>> milk = Event(event_id="receipt-1", user_id="ann", item_id="milk", time_s=100)
        >>> value, added = merged(None, [milk, milk], max_history=10)
        >>> added, before(value, 101)[0]
        (1, ['milk'])
    """

    event_id: str
    user_id: str
    item_id: str
    time_s: int
    store_id: str = ""
    """Empty where it is not known."""
    quantity: float = 1.0
    """Pieces; 0 takes an event of this id away."""
    price: float = 0.0
    """Paid per piece; 0 where it is not known."""
    event_type: str = TYPES[0]
    arrival_s: int = 0
    """When it reached a server, unix seconds; 0 where it is not known."""


class History(NamedTuple):
    """A shopper's purchases, oldest first. Shape legend: H events.

    Example:
        >>> History(["milk"], np.array([100])).quantities is None
        True
    """

    items: Sequence[str]
    """[H] item ids."""
    times: np.ndarray
    """[H] int64 unix seconds."""
    stores: Coded | None = None
    """[H] store ids, empty where not known; None: none is known."""
    quantities: np.ndarray | None = None
    """[H] float32 pieces; None: one each."""
    prices: np.ndarray | None = None
    """[H] float32 paid per piece, 0 where not known; None: none is known."""
    attributes: Sequence[tuple[str, str]] = ()
    """(attribute, value) pairs of the shopper, whatever the moment."""
    earlier: Sequence[str] = ()
    """Items bought before these events, as far as they are known."""


class HistoryStore(Protocol):
    """What serving needs from live state. Thread-safe. Each method raises StoreUnavailable when it cannot be had."""

    remote: bool
    """Whether a lookup may have to wait for another program; if not, it takes microseconds."""

    def history(self, user_id: str, before_s: int | None) -> History:
        """The purchases strictly before `before_s`, all where it is None; empty when the shopper is unknown.

        Raises RecordDamaged where what it holds of the shopper cannot be decoded.
        """
        ...

    def append(self, events: Sequence[Event]) -> int:
        """Adds events, in any order; returns how many were not there before. What it returned for is in the next
        `history`. Raises InputError on an id that is empty, too long or has a NUL, before anything is written."""
        ...

    def describe(self, user_id: str, attributes: Sequence[tuple[str, str]]) -> bool:
        """Replaces the attributes of a shopper; False when there is none of that id, and so nothing is stored. Raises
        InputError on a name or value that cannot be an id."""
        ...

    def delete(self, user_id: str) -> bool:
        """Forgets a shopper; True when there was something to forget."""
        ...

    def compact(self) -> None:
        """Leaves nothing of deleted shoppers in the files: what a deletion only unlinks is gone when it returns."""
        ...

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """(shopper's id, what is stored) of every shopper: what a backup is made of."""
        ...

    def shoppers_about(self) -> int:
        """How many `records` gives, about: for a progress bar."""
        ...

    def put(self, records: Iterator[tuple[bytes, bytes]]) -> int:
        """Stores what `records` gave; returns how many shoppers."""
        ...

    def close(self) -> None:
        """Releases what it holds."""
        ...


def open_store(
    name: str, max_history: int, redis_password: str | None = None, redis_timeout_s: float | None = None
) -> HistoryStore:
    """The embedded store of `lmdb:PATH` or a plain path, or the shared one of `redis://host:port/database`.

    Args:
        redis_timeout_s: longest wait for one command; None: that of a request.

    Raises InputError when `name` describes none.
    """
    if name.startswith(("redis://", "rediss://", "unix://")):
        from model.serving.history.redis_store import TIMEOUT_S, RedisStore

        return RedisStore(name, max_history, redis_password, redis_timeout_s or TIMEOUT_S)
    path = name.removeprefix("lmdb:")
    if not path or "://" in path:
        raise InputError(f"store: expected lmdb:PATH, a path or redis://host:port/database, got {name!r}")
    from model.serving.history.lmdb_store import LmdbStore

    return LmdbStore(Path(path), max_history)


def open_existing(name: str, redis_password: str | None = None) -> HistoryStore:
    """The same for a program that reads many histories: it waits longer for Redis, and makes no store.

    Raises InputError when `name` describes none, or there is no embedded store.
    """
    if "://" not in name:
        from model.serving.history.generations import CURRENT, DATA

        path = Path(name.removeprefix("lmdb:"))
        if not any((path / file).exists() for file in (CURRENT, DATA)):
            raise InputError(f"store: expected an event store in {path}, there is none")
    return open_store(name, 1, redis_password, BULK_TIMEOUT_S)


def check_max_history(max_history: int) -> int:
    """Returns `max_history` when it is at least 1; raises InputError when not."""
    if max_history < 1:
        raise InputError(f"max_history: expected at least 1, got {max_history}")
    return max_history


def key_of(user_id: str) -> bytes:
    """The shopper's key; raises InputError on an id that cannot be one."""
    return check_id("user_id", user_id).encode()
