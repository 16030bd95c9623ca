"""The value of one shopper in a store: read, merged with new events, described, and made in bulk."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b

import numpy as np

from model.api import Coded
from model.data.trips import Trips
from model.errors import InputError, RecordDamaged
from model.serving.history.record import TYPES, Record, packed, unpacked
from model.serving.history.returns import FOREVER, RETURN, return_times
from model.serving.history.store import Event, History, key_of
from model.serving.v2_inputs import check_id

MAX_EARLIER = 4096
"""Items of dropped purchases that are kept of a shopper, the latest ones."""
_log = logging.getLogger(__name__)


def before(value: bytes | None, before_s: int | None) -> History:
    """HistoryStore.history of a stored value; None is an unknown shopper."""
    if value is None:
        return History([], np.empty(0, np.int64))
    record = unpacked(value)
    end = len(record.items) if before_s is None else int(np.searchsorted(record.time_N, before_s, side="left"))
    if record.type_N.any():
        kept_n = record.type_N[:end] == 0
        if (record.type_N[:end] == RETURN).any():
            until_s = return_times(record)[:end]
            kept_n &= until_s == FOREVER if before_s is None else until_s >= before_s
        record = record.only(np.flatnonzero(kept_n))
        end = len(record.items)
    return History(
        record.items[:end],
        record.time_N[:end],
        Coded(record.store_ids, record.store_N[:end]) if len(record.store_ids) > 1 else None,
        record.quantity_N[:end],
        record.price_N[:end],
        record.attributes,
        record.earlier,
    )


def newest_s(records: Iterator[tuple[bytes, bytes]], enough_s: int) -> int | None:
    """Unix seconds of the newest event of these records; None where there is no event.

    An event is as old as its time or its arrival, whichever is earlier. Damaged records are passed over.

    Args:
        records: as HistoryStore.records gives them.
        enough_s: an event of this time or later ends the search; it may not be the newest one.
    """
    newest: int | None = None
    for _, value in records:
        try:
            record = unpacked(value)
        except RecordDamaged:
            continue
        if len(record.items):
            newest = max(newest or 0, int(_age_s(record).max()))
            if newest >= enough_s:
                break
    return newest


def _age_s(record: Record) -> np.ndarray:
    """[N] int64 unix seconds: the event's time or its arrival, whichever is earlier."""
    return np.where(record.arrival_N > 0, np.minimum(record.time_N, record.arrival_N), record.time_N)


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
    old = _record_of({}) if value is None else _decoded(value)
    place = {digest: n for n, digest in enumerate(old.digest_N.tolist())}
    news: dict[int, Event] = {}
    added, stay_N = 0, np.ones(len(old.items), bool)
    for event in events:
        digest = _digest(event.event_id)
        n = place.get(digest)
        if n is not None and not _differs(old, n, event):
            continue
        if n is not None:
            stay_N[n] = False
        if event.quantity:
            added += n is None and digest not in news
            news[digest] = event
        else:  # a void: nothing is left of the event, if there was one
            added -= news.pop(digest, None) is not None
    if not news and stay_N.all():
        return None, 0
    record = (old if stay_N.all() else old.only(np.flatnonzero(stay_N))).followed_by(_record_of(news))
    keys = list(zip(record.time_N.tolist(), record.items, record.digest_N.tolist(), strict=True))
    record = record.only(np.array(sorted(range(len(keys)), key=keys.__getitem__)))
    return packed(_newest(record, max_history)), added


def _decoded(value: bytes) -> Record:
    """The record; a damaged one is replaced by what comes now."""
    try:
        return unpacked(value)
    except RecordDamaged as error:
        _log.error("%s; the events that come now take its place", error)
        return _record_of({})


def _differs(record: Record, n: int, event: Event) -> bool:
    """Whether the event corrects the n-th one. A time that was set by the arrival is no correction."""
    old = (record.items[n], record.store_ids[record.store_N[n]], TYPES[record.type_N[n]])
    same_time = event.time_s in (record.time_N[n], event.arrival_s)
    same = np.float32(event.quantity) == record.quantity_N[n] and np.float32(event.price) == record.price_N[n]
    return old != (event.item_id, event.store_id, event.event_type) or not same_time or not same


def _newest(record: Record, max_history: int) -> Record:
    """The `max_history` youngest purchases, returns and others, with the items of what was dropped."""
    age_N = _age_s(record)
    bought_N, returned_N = record.type_N == 0, record.type_N == RETURN
    keep_N = np.zeros(len(record.items), bool)
    for which_N in (bought_N, returned_N, ~bought_N & ~returned_N):
        which = np.flatnonzero(which_N)
        keep_N[which[np.argsort(age_N[which], kind="stable")][-max_history:]] = True
    if keep_N.all():
        return record
    dropped_N = ~keep_N & bought_N
    if dropped_N.any() and returned_N.any():
        dropped_N &= return_times(record) == FOREVER
    items = [record.items[n] for n in np.flatnonzero(dropped_N).tolist()]
    return record.only(np.flatnonzero(keep_N))._replace(earlier=_latest([*record.earlier, *items]))


def _latest(items: Sequence[str]) -> list[str]:
    """The items once each, the last MAX_EARLIER of them, in the order of their last place."""
    return list(dict.fromkeys(reversed(items)))[:MAX_EARLIER][::-1]


def described(value: bytes | None, attributes: Sequence[tuple[str, str]]) -> bytes | None:
    """The new value with these attributes; None of a shopper who is not there. Raises InputError as HistoryStore."""
    for name, text in attributes:
        check_id("attribute", name)
        check_id(f"attribute {name}", text)
    return None if value is None else packed(_decoded(value)._replace(attributes=tuple(attributes)))


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
        user = int(trips.event_user_E[of_one[0]])
        newest, dropped = of_one[-max_history:], of_one[:-max_history]
        record = Record.of(
            trips.event_time_E[newest],
            np.arange(len(newest)),
            trips.item_ids[trips.event_item_E[newest]].tolist(),
            store_ids=store_ids,
            store_N=trips.event_store_E[newest],
            quantity_N=trips.event_quantity_E[newest],
            price_N=trips.event_price_E[newest],
            earlier=_latest(trips.item_ids[trips.event_item_E[dropped]].tolist()),
            attributes=trips.attributes(user),
        )
        yield key_of(str(trips.user_ids[user])), packed(record)


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
        arrival_N=np.array([event.arrival_s for event in events.values()], np.int64),
    )


def _digest(event_id: str) -> int:
    return int.from_bytes(blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
