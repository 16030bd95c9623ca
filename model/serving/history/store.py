"""The port of live state: what each shopper bought, as raw events. Nothing is precomputed, so nothing can be stale.

One shopper is one key; the value is that shopper's most recent events (their form: model/serving/history/record.py), in
the order (time, item id, digest), whatever order they came in. The digest (8 bytes of the event id's BLAKE2b) makes
appending idempotent for each shopper: an event sent again is found by it, and one that was dropped for being older than
the `max_history` kept would be dropped again. All that is known of a shopper is in that value, so deleting the key
forgets the shopper, the digests of the events seen included.

Purchases are what a history is made of. Events of other types are kept beside them, as many again, and read by no model
yet: a flood of views pushes no purchase out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from model.api import Coded
from model.data.trips import Trips
from model.errors import InputError
from model.serving.history.record import TYPES, Record, packed, unpacked
from model.serving.v2_inputs import check_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One purchase, or what its type is. `event_id` names it for ever: sent twice, it counts once.

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
    store_id: str = ""
    """Empty where it is not known."""
    quantity: float = 1.0
    price: float = 0.0
    """Paid per piece; 0 where it is not known."""
    event_type: str = TYPES[0]


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


class HistoryStore(Protocol):
    """What serving needs from live state. Thread-safe. Each method raises StoreUnavailable when it cannot be had."""

    remote: bool
    """Whether a lookup may have to wait for another program; if not, it takes microseconds."""

    def history(self, user_id: str, before_s: int) -> History:
        """The purchases strictly before `before_s`; empty when the shopper is unknown."""
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

    def put(self, records: Iterator[tuple[bytes, bytes]]) -> int:
        """Stores what `records` gave; returns how many shoppers."""
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


def before(value: bytes | None, before_s: int) -> History:
    """HistoryStore.history of a stored value; None is an unknown shopper."""
    if value is None:
        return History([], np.empty(0, np.int64))
    record = unpacked(value)
    end = int(np.searchsorted(record.time_N, before_s, side="left"))
    if record.type_N.any():
        record = record.only(np.flatnonzero(record.type_N[:end] == 0))
        end = len(record.items)
    return History(
        record.items[:end],
        record.time_N[:end],
        Coded(record.store_ids, record.store_N[:end]) if len(record.store_ids) > 1 else None,
        record.quantity_N[:end],
        record.price_N[:end],
        record.attributes,
    )


def by_key(events: Sequence[Event]) -> dict[bytes, list[Event]]:
    """Events by shopper's key; raises InputError on any bad id."""
    events_by_key: dict[bytes, list[Event]] = {}
    for event in events:
        check_id("item_id", event.item_id)
        if event.store_id:
            check_id("store_id", event.store_id)
        events_by_key.setdefault(key_of(event.user_id), []).append(event)
    return events_by_key


def merged(value: bytes | None, events: Sequence[Event], max_history: int) -> tuple[bytes | None, int]:
    """(new value, events that were not there before); (None, 0) when nothing changes. `events` are one shopper's."""
    old = _record_of({}) if value is None else unpacked(value)
    stored_digests = set(old.digest_N.tolist())
    fresh = {digest: event for event in events if (digest := _digest(event.event_id)) not in stored_digests}
    if not fresh:
        return None, 0
    record = old.followed_by(_record_of(fresh))
    keys = list(zip(record.time_N.tolist(), record.items, record.digest_N.tolist(), strict=True))
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__))
    bought = record.type_N[order] == 0
    newest = [np.flatnonzero(which)[-max_history:] for which in (bought, ~bought)]
    return packed(record.only(order[np.sort(np.concatenate(newest))])), len(fresh)


def described(value: bytes | None, attributes: Sequence[tuple[str, str]]) -> bytes | None:
    """The new value with these attributes; None of a shopper who is not there. Raises InputError as HistoryStore."""
    for name, text in attributes:
        check_id("attribute", name)
        check_id(f"attribute {name}", text)
    return None if value is None else packed(unpacked(value)._replace(attributes=tuple(attributes)))


def bulk(trips: Trips, kept_E: np.ndarray, max_history: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of each shopper with one of these events: the fast way to seed a store.

    Args:
        kept_E: [E] bool, of the events of the trips.

    Raises:
        InputError: the events are not sorted by (user, time).
    """
    at_e = np.flatnonzero(kept_E)
    user_e, time_e = trips.event_user_E[at_e], trips.event_time_E[at_e]
    step = np.diff(user_e)
    if (step < 0).any() or ((step == 0) & (np.diff(time_e) < 0)).any():
        raise InputError("bulk_load: expected events sorted by (user, time), got another order; sort them first")
    store_ids = trips.store_ids.tolist()
    for of_one in np.split(at_e, np.flatnonzero(step) + 1) if len(at_e) else ():
        newest = of_one[-max_history:]
        record = Record.of(
            trips.event_time_E[newest],
            np.arange(len(newest)),
            trips.item_ids[trips.event_item_E[newest]].tolist(),
            store_ids=store_ids,
            store_N=trips.event_store_E[newest],
            quantity_N=trips.event_quantity_E[newest],
            price_N=trips.event_price_E[newest],
        )
        user = int(trips.event_user_E[of_one[0]])
        yield key_of(str(trips.user_ids[user])), packed(record._replace(attributes=trips.attributes(user)))


def _record_of(events: Mapping[int, Event]) -> Record:
    """Of events by digest, in that order."""
    store_ids = sorted({"", *(event.store_id for event in events.values())})  # the empty id is the first
    return Record.of(
        np.array([event.time_s for event in events.values()], np.int64),
        np.array(list(events), np.uint64),
        [event.item_id for event in events.values()],
        store_ids=store_ids,
        store_N=np.array([store_ids.index(event.store_id) for event in events.values()], np.int32),
        quantity_N=np.array([event.quantity for event in events.values()], np.float32),
        price_N=np.array([event.price for event in events.values()], np.float32),
        type_N=np.array([TYPES.index(event.event_type) for event in events.values()], np.int32),
    )


def _digest(event_id: str) -> int:
    return int.from_bytes(blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
