"""The form of a shopper's events in a store: the present one, the one before, and one of a newer server."""

import struct
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.data import columns as c
from model.data.schema import EVENTS
from model.errors import RecordDamaged, StoreUnavailable
from model.serving.history.record import TYPES, Column, Record, packed, unpacked
from model.serving.history.store import Event
from model.serving.history.values import before, merged

TILL, TILL_IDS = 77, 78
"""Columns that no version of the server has."""


def first_form(events: list[tuple[int, int, str]]) -> bytes:
    """(time, digest, item) as the servers before wrote them."""
    times, digests, items = zip(*events, strict=True)
    numbers = np.array(times, "<i8").tobytes() + np.array(digests, "<u8").tobytes()
    return struct.pack("<I", len(events)) + numbers + "\0".join(items).encode()


def column(number: int, width: int, data: bytes) -> bytes:
    return struct.pack("<BBI", number, width, len(data)) + data


def event(event_id: str, time_s: int, **details: object) -> Event:
    return replace(Event(event_id=event_id, user_id="u", item_id="milk", time_s=time_s), **details)  # type: ignore[arg-type]


def columns_of(value: bytes) -> dict[int, int]:
    """{number of a column: its bytes}"""
    at, sizes = 8, {}
    while at < len(value):
        number, _, size = struct.unpack_from("<BBI", value, at)
        sizes[number] = size
        at += 6 + size
    return sizes


def test_the_types_are_those_of_the_canonical_events_in_that_order() -> None:
    assert EVENTS.column(c.EVENT_TYPE).domain == TYPES
    assert TYPES[0] == c.PURCHASE == EVENTS.column(c.EVENT_TYPE).default


def test_what_a_shop_does_not_know_takes_no_room() -> None:
    value, _ = merged(None, [event("1", 10), event("2", 20)], 9)
    assert value is not None
    # 4 bytes of time and 8 of digest an event; two ids of 4 bytes and what is between them
    assert columns_of(value) == {Column.TIME: 8, Column.DIGEST: 16, Column.ITEM: 9}
    full, _ = merged(None, [event(str(n), n, store_id="east", quantity=2, price=1.25) for n in (1, 2)], 9)
    assert full is not None
    more = {Column.STORE_IDS: 4, Column.STORE: 2, Column.QUANTITY: 2, Column.PRICE: 8}
    assert columns_of(full) == columns_of(value) | more


def test_a_record_of_the_form_before_has_the_defined_values_and_grows_in_the_present_form() -> None:
    old = first_form([(10, 5, "milk"), (20, 6, "tea")])
    history = before(old, 20)
    assert (history.items, history.times.tolist(), history.stores) == (["milk"], [10], None)
    value, added = merged(old, [event("new", 30, store_id="east", quantity=3, price=2.5)], 9)
    assert added == 1 and value is not None
    history = before(value, 99)
    assert (history.items, history.times.tolist()) == (["milk", "tea", "milk"], [10, 20, 30])
    assert history.stores is not None and history.stores.texts() == ["", "", "east"]
    assert history.quantities is not None and history.quantities.tolist() == [1, 1, 3]
    assert history.prices is not None and history.prices.tolist() == [0, 0, 2.5]
    assert unpacked(value).digest_N.tolist()[:2] == [5, 6]


def test_columns_of_a_newer_server_are_passed_over_and_carried_along() -> None:
    value, _ = merged(None, [event("1", 10), event("3", 30)], 9)
    assert value is not None
    ids = column(TILL_IDS, 0, b"left\0right")
    newer = value + column(TILL, 3, b"aaaccc") + ids + column(Column.SOURCE, 2, b"AACC")
    assert before(newer, 99)[0] == ["milk", "milk"]
    grown, added = merged(newer, [event("2", 20)], 9)
    assert added == 1 and grown is not None
    assert grown.endswith(column(TILL, 3, b"aaa\0\0\0ccc") + column(Column.SOURCE, 2, b"AA\0\0CC") + ids)


GOOD, _ = merged(None, [event("1", 10, store_id="east"), event("2", 20, price=1.5)], 9)
assert GOOD is not None
DAMAGED = {
    "nothing": b"",
    "three bytes": b"abc",
    "text": b"once upon a time",
    "the half of one": GOOD[: len(GOOD) // 2],
    "without its head": GOOD[8:],
    "too many events": struct.pack("<II", 0xFFFF0002, 3) + GOOD[8:],
    "an item that is not UTF-8": GOOD.replace(b"milk", b"\xff\xfe\xfdk"),
    "an item too few": GOOD.replace(b"milk\0milk", b"milk_milk"),
    "a store that is not there": GOOD.replace(column(Column.STORE, 1, b"\1\0"), column(Column.STORE, 1, b"\1\7")),
    "times out of order": GOOD.replace(struct.pack("<II", 10, 20), struct.pack("<II", 20, 10)),
    "the form before, cut": first_form([(10, 5, "milk"), (20, 6, "tea")])[:-12],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_record_is_known_as_damaged_and_replaced_by_what_comes(name: str) -> None:
    assert DAMAGED[name] != GOOD
    with pytest.raises(RecordDamaged) as error:
        unpacked(DAMAGED[name])
    assert "\n" not in str(error.value)
    value, added = merged(DAMAGED[name], [event("new", 30)], 9)
    assert added == 1 and before(value, 99).times.tolist() == [30]


@given(st.binary(max_size=120), st.integers(0, 200), st.integers(0, 3))
def test_any_bytes_are_a_record_or_damaged(noise: bytes, at: int, form: int) -> None:
    value = (GOOD[:at] + noise, noise, GOOD[:at] + noise + GOOD[at + len(noise) :], first_form([(9, 5, "tea")]) + noise)
    with suppress(RecordDamaged, StoreUnavailable):
        before(value[form], 99)


def test_a_form_that_is_unknown_is_a_store_that_cannot_be_read() -> None:
    with pytest.raises(StoreUnavailable, match="from a newer server"):
        unpacked(struct.pack("<II", 0xFFFF0003, 1))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**40),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=5),
            st.integers(0, 2),
            st.sampled_from([1.0, 2.0, 255.0, 256.0, 0.375]),
            st.floats(0, 1e9, width=32),
            st.integers(0, len(TYPES) - 1),
            st.sampled_from([0, 5, 2**33]),
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([1, 300]),
)
def test_what_is_packed_is_unpacked(rows: list[tuple[int, str, int, float, float, int]], apart: int) -> None:
    time, items, store, quantity, price, kind, arrival = zip(*sorted(rows), strict=True)
    store_ids = ["", *(f"s{n}" for n in range(1, 2 * apart + 1))]
    record = Record.of(
        np.array(time),
        np.arange(len(rows)),
        list(items),
        store_ids=store_ids,
        store_N=np.array(store) * apart,
        quantity_N=np.array(quantity),
        price_N=np.array(price),
        type_N=np.array(kind),
        arrival_N=np.array(arrival),
        earlier=["tea", "é"][:apart],
    )
    again = unpacked(packed(record))
    assert again.items == record.items
    assert [again.store_ids[n] for n in again.store_N] == [store_ids[n] for n in record.store_N]
    assert again.earlier == record.earlier
    for name in ("time_N", "digest_N", "quantity_N", "price_N", "type_N", "arrival_N"):
        assert getattr(again, name).tolist() == getattr(record, name).tolist(), name
