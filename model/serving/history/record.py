"""The form in which every store keeps one shopper's events: columns, each with its number and width.

    MARKER uint32 | events uint32 | for each column: number uint8 | width uint8 | bytes uint32 | data

A column of width 1 to 8 has a number of that many bytes for each event, little-endian; one of width 0 has texts, UTF-8,
joined by NUL. `Column` lists them. A column is there only where some event has another value than 0, for quantities
than 1: a shop that knows neither stores nor prices pays nothing for them.

A reader passes over columns that it does not know, so a server may be older than the writer. One that appends carries
them along, with zeros for the events that it adds.

Before, a record was `events uint32 | time int64[] | digest uint64[] | item ids joined by NUL`, without a marker. It is
read as purchases of one piece, without store and price, and written in the present form with the next event.

Shape legend: N events.
"""

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from model.errors import RecordDamaged, StoreUnavailable

MARKER, FIRST_MARKER = 0xFFFF0002, 0xFFFF0000
"""Of this form; below the second is the number of events of the form before."""
TYPES = ("purchase", "view", "cart", "return")
"""Event types by the number that is stored."""
_HEAD, _COLUMN = struct.Struct("<II"), struct.Struct("<BBI")


class Column(IntEnum):
    """Numbers of the columns, for ever.

    Example:
        >>> Column(3).name
        'ITEM'
    """

    TIME = 1
    """Unix seconds: 4 bytes, 8 where that is too little."""
    DIGEST = 2
    """Of the event's id, 8 bytes."""
    ITEM = 3
    """Texts, one each."""
    STORE_IDS = 4
    """Texts: the stores of this shopper."""
    STORE = 5
    """0 where it is not known, else the position in STORE_IDS from 1: 1 byte, 4 where that is too little."""
    QUANTITY = 6
    """1 byte where all are whole and below 256, else float32."""
    PRICE = 7
    """float32; 0 where it is not known."""
    TYPE = 8
    """Position in TYPES, 1 byte."""
    ARRIVAL = 9
    """Unix seconds at which the event reached a server, 0 where it is not known: as TIME."""
    SOURCE = 10
    """Foreseen, and not written yet: who sent it."""
    EARLIER = 11
    """Texts: items bought before the first of these events, whose events are no longer stored."""
    ATTRIBUTES = 12
    """Texts: what is known of the shopper beside events, attribute and value by turns."""


class Record(NamedTuple):
    """One shopper's events, in order of time.

    Example:
        >>> milk = Record.of(np.array([100]), np.array([7], np.uint64), ["milk"], price_N=np.array([1.5], np.float32))
        >>> again = unpacked(packed(milk))
        >>> again.items, again.price_N.tolist(), again.store_ids
        (['milk'], [1.5], [''])
    """

    time_N: np.ndarray
    """[N] int64 unix seconds."""
    digest_N: np.ndarray
    """[N] uint64."""
    items: list[str]
    """[N] ids."""
    store_ids: Sequence[str]
    """The empty id first."""
    store_N: np.ndarray
    """[N] int32 position in `store_ids`."""
    quantity_N: np.ndarray
    """[N] float32."""
    price_N: np.ndarray
    """[N] float32."""
    type_N: np.ndarray
    """[N] int32 position in TYPES."""
    arrival_N: np.ndarray
    """[N] int64 unix seconds; 0 where it is not known."""
    earlier: Sequence[str]
    """Items bought before these events."""
    other: dict[int, np.ndarray | bytes]
    """{number of a column that is not known here: a value each, or texts}"""
    attributes: tuple[tuple[str, str], ...] = ()
    """(attribute, value) pairs of the shopper."""

    @classmethod
    def of(
        cls,
        time_N: np.ndarray,
        digest_N: np.ndarray,
        items: list[str],
        *,
        store_ids: Sequence[str] = ("",),
        store_N: np.ndarray | None = None,
        quantity_N: np.ndarray | None = None,
        price_N: np.ndarray | None = None,
        type_N: np.ndarray | None = None,
        arrival_N: np.ndarray | None = None,
        earlier: Sequence[str] = (),
        attributes: tuple[tuple[str, str], ...] = (),
        other: dict[int, np.ndarray | bytes] | None = None,
    ) -> "Record":
        """What is not given has its defined value."""
        events = len(items)
        return cls(
            time_N=time_N.astype(np.int64),
            digest_N=digest_N.astype(np.uint64),
            items=items,
            store_ids=store_ids,
            store_N=np.zeros(events, np.int32) if store_N is None else store_N.astype(np.int32),
            quantity_N=np.ones(events, np.float32) if quantity_N is None else quantity_N.astype(np.float32),
            price_N=np.zeros(events, np.float32) if price_N is None else price_N.astype(np.float32),
            type_N=np.zeros(events, np.int32) if type_N is None else type_N.astype(np.int32),
            arrival_N=np.zeros(events, np.int64) if arrival_N is None else arrival_N.astype(np.int64),
            earlier=earlier,
            attributes=attributes,
            other=other or {},
        )

    def only(self, at: np.ndarray) -> "Record":
        """These events, in this order."""
        arrays: dict[str, Any] = {name: getattr(self, name)[at] for name in _ARRAYS}
        return self._replace(
            items=[self.items[n] for n in at.tolist()],
            other={n: column if isinstance(column, bytes) else column[at] for n, column in self.other.items()},
            **arrays,
        )

    def followed_by(self, events: "Record") -> "Record":
        """These events and then those, which have no unknown columns."""
        store_ids = list(dict.fromkeys([*self.store_ids, *events.store_ids]))
        code_n = np.array([store_ids.index(store) for store in events.store_ids], np.int32)
        events = events._replace(store_ids=store_ids, store_N=code_n[events.store_N])
        zeros = len(events.items)
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(events, name)]) for name in _ARRAYS
        }
        return events._replace(
            attributes=self.attributes,
            items=self.items + events.items,
            earlier=self.earlier,
            other={
                n: column if isinstance(column, bytes) else np.concatenate([column, np.zeros(zeros, column.dtype)])
                for n, column in self.other.items()
            },
            **arrays,
        )


_ARRAYS = [name for name in Record._fields if name.endswith("_N")]


def packed(record: Record) -> bytes:
    """The record as stored."""
    used = np.union1d([0], record.store_N).astype(np.int64)
    store_N, store_ids = np.searchsorted(used, record.store_N), [record.store_ids[code] for code in used[1:].tolist()]
    columns: list[tuple[int, int, bytes]] = [
        _numbers(Column.TIME, record.time_N, "<u4" if _fit(record.time_N, 32) else "<u8"),
        _numbers(Column.DIGEST, record.digest_N, "<u8"),
        (Column.ITEM, 0, _texts(record.items)),
    ]
    if store_ids:
        columns.append((Column.STORE_IDS, 0, _texts(store_ids)))
        columns.append(_numbers(Column.STORE, store_N, "u1" if _fit(store_N, 8) else "<u4"))
    if (record.quantity_N != 1).any():
        whole = _fit(record.quantity_N, 8) and (record.quantity_N % 1 == 0).all()
        columns.append(_numbers(Column.QUANTITY, record.quantity_N, "u1" if whole else "<f4"))
    if record.price_N.any():
        columns.append(_numbers(Column.PRICE, record.price_N, "<f4"))
    if record.type_N.any():
        columns.append(_numbers(Column.TYPE, record.type_N, "u1"))
    if record.attributes:
        columns.append((Column.ATTRIBUTES, 0, _texts(text for pair in record.attributes for text in pair)))
    if record.arrival_N.any():
        columns.append(_numbers(Column.ARRIVAL, record.arrival_N, "<u4" if _fit(record.arrival_N, 32) else "<u8"))
    if record.earlier:
        columns.append((Column.EARLIER, 0, _texts(record.earlier)))
    for number, other in record.other.items():
        columns.append((number, 0, other) if isinstance(other, bytes) else (number, other.itemsize, other.tobytes()))
    parts = [_HEAD.pack(MARKER, len(record.items))]
    for number, width, data in columns:
        parts += [_COLUMN.pack(number, width, len(data)), data]
    return b"".join(parts)


def unpacked(value: bytes) -> Record:
    """The record of a stored value, in the present form or the one before.

    Raises:
        StoreUnavailable: it was written in a form that is unknown here.
        RecordDamaged: it is no record.
    """
    try:
        (first,) = struct.unpack_from("<I", value)
        if FIRST_MARKER <= first != MARKER:
            raise StoreUnavailable(f"store: expected a record of form {MARKER:#x}, got {first:#x}, from a newer server")
        record = _present_form(value) if first == MARKER else _first_form(value, first)
        _check(record)
        return record
    except (struct.error, ValueError, LookupError) as error:
        raise RecordDamaged(f"store: a shopper's record cannot be decoded ({type(error).__name__})") from None


def _check(record: Record) -> None:
    """Raises ValueError where its columns do not fit each other."""
    events = len(record.items)
    whole = all(len(getattr(record, name)) == events for name in _ARRAYS)
    coded = not events or (record.store_N.max() < len(record.store_ids) and record.type_N.max() < len(TYPES))
    if not whole or not coded or (np.diff(record.time_N) < 0).any():
        raise ValueError("columns that do not fit")


def _present_form(value: bytes) -> Record:
    _, events = _HEAD.unpack_from(value)
    numbers: dict[int, np.ndarray] = {}
    texts: dict[int, bytes] = {}
    at = _HEAD.size
    while at < len(value):
        number, width, size = _COLUMN.unpack_from(value, at)
        at += _COLUMN.size
        if width:
            numbers[number] = np.frombuffer(value, _type(number, width), events, at)
        else:
            texts[number] = value[at : at + size]
        at += size
    attributes = iter(_split(texts.pop(Column.ATTRIBUTES, b"")))
    return Record.of(
        numbers.pop(Column.TIME),
        numbers.pop(Column.DIGEST),
        _split(texts.pop(Column.ITEM)),
        store_ids=["", *_split(texts.pop(Column.STORE_IDS, b""))],
        store_N=numbers.pop(Column.STORE, None),
        quantity_N=numbers.pop(Column.QUANTITY, None),
        price_N=numbers.pop(Column.PRICE, None),
        type_N=numbers.pop(Column.TYPE, None),
        arrival_N=numbers.pop(Column.ARRIVAL, None),
        earlier=_split(texts.pop(Column.EARLIER, b"")),
        attributes=tuple(zip(attributes, attributes, strict=True)),
        other=numbers | texts,
    )


_WHOLE = (Column.TIME, Column.DIGEST, Column.STORE, Column.TYPE, Column.ARRIVAL)
_REAL = (Column.QUANTITY, Column.PRICE)


def _first_form(value: bytes, events: int) -> Record:
    time_N = np.frombuffer(value, "<i8", events, 4)
    return Record.of(time_N, np.frombuffer(value, "<u8", events, 4 + 8 * events), _split(value[4 + 16 * events :]))


def _type(number: int, width: int) -> str:
    """NumPy's name of the numbers of a column; of an unknown column, bytes of that width."""
    if number in _REAL and width > 1:
        return f"<f{width}"
    return f"<u{width}" if number in (*_WHOLE, *_REAL) else f"V{width}"


def _fit(number_N: np.ndarray, bits: int) -> bool:
    return not len(number_N) or bool(number_N.min() >= 0 and number_N.max() < 1 << bits)


def _numbers(column: Column, number_N: np.ndarray, kind: str) -> tuple[int, int, bytes]:
    data = number_N.astype(kind)
    return column, data.itemsize, data.tobytes()


def _texts(texts: Iterable[str]) -> bytes:
    return "\0".join(texts).encode()


def _split(data: bytes) -> list[str]:
    return data.decode().split("\0") if data else []
