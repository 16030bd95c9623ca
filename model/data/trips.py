"""Trips with as-of history: what training, evaluation and replay read, and the `examples` stage writes.

Shape legend: E events, T trips, I items, U users, B basket entries, R returned events, V views and carts.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.data.task import TaskKind
from model.files import atomic_directory, read_json, write_json

_UNSET = np.empty(0)
_DEFAULTS = {
    "event_store_E": (0, np.int32),
    "event_quantity_E": (1.0, np.float32),
    "event_price_E": (0.0, np.float32),
}
"""{column that may not be there: (value of every event then, type)}"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trips:
    """All trips of all shoppers over one shared, time-sorted event array.

    Where the task is the rest of a session, a trip is asked about in the middle of a session: what came before is its
    history, what follows is its basket. Where it is the next new item, a basket is without what is in the history.

    A trip's history is within the slice `event_*[history_begin_T[t] : history_end_T[t]]`: its shopper's purchases
    strictly before `time_T[t]`, oldest first, at most `max_history` of them, less those returned strictly before
    `time_T[t]`. Nothing at or after the trip can be reached. Read it with `history`.

    Example:
        One shopper: milk in the first second, milk and bread in the tenth; the cut is at the fifth.

        >>> trips = Trips(
        ...     item_ids=np.array(["bread", "milk"]),
        ...     user_ids=np.array(["ann"]),
        ...     store_ids=np.array(["corner"]),
        ...     event_item_E=np.array([1, 0, 1], np.int32),
        ...     event_time_E=np.array([1, 10, 10]),
        ...     event_user_E=np.zeros(3, np.int32),
        ...     user_T=np.zeros(2, np.int32),
        ...     time_T=np.array([1, 10]),
        ...     store_T=np.zeros(2, np.int32),
        ...     history_begin_T=np.array([0, 0]),
        ...     history_end_T=np.array([0, 1]),
        ...     basket_begin_T=np.array([0, 1]),
        ...     basket_end_T=np.array([1, 3]),
        ...     basket_item_B=np.array([1, 0, 1], np.int32),
        ...     cut_s=5,
        ... )
        >>> trips.test_trips().tolist()
        [1]
        >>> trips.item_ids[trips.event_item_E[trips.history(1)]].tolist()
        ['milk']
        >>> trips.item_ids[trips.basket(1)].tolist()
        ['bread', 'milk']
    """

    DIRECTORY: ClassVar[str] = "trips"
    """Where trips lie inside an examples artifact."""
    VIEW_KINDS: ClassVar[tuple[str, ...]] = ("view", "cart")
    """Event types of the views, by their number in `view_kind_V`."""

    item_ids: np.ndarray
    """[I] str: id of item index i. Every item of the catalog, bought or not."""
    user_ids: np.ndarray
    """[U] str: id of user index u."""
    store_ids: np.ndarray
    """[S] str: id of store index s."""
    event_item_E: np.ndarray
    """[E] int32 item index; events sorted by (user, time, basket, item)."""
    event_time_E: np.ndarray
    """[E] int64 unix seconds."""
    event_user_E: np.ndarray
    """[E] int32 user index."""
    user_T: np.ndarray
    """[T] int32 user index; trips sorted by (time, user, basket id)."""
    time_T: np.ndarray
    """[T] int64 unix seconds: the trip's first event, the moment of the query."""
    store_T: np.ndarray
    """[T] int32 store index."""
    history_begin_T: np.ndarray
    history_end_T: np.ndarray
    """[T] int64 positions in the event arrays."""
    basket_begin_T: np.ndarray
    basket_end_T: np.ndarray
    """[T] int64 positions in basket_item_B."""
    basket_item_B: np.ndarray
    """[B] int32 item index: each trip's distinct items, the labels; after the cut what was bought, whatever is learned
    from (docs/labels.md)."""
    cut_s: int
    """Start of the test span, unix seconds: trips at or after it are test trips."""
    task: TaskKind = TaskKind.NEXT_BASKET
    """What the trips are judged on, and what is learned from them."""
    returned_event_R: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))
    """[R] int64 positions in the event arrays, ascending: purchases that were taken back later."""
    returned_time_R: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))
    """[R] int64 unix seconds of their returns."""
    event_store_E: np.ndarray = dataclasses.field(default_factory=lambda: _UNSET)
    """[E] int32 store index; index 0, the empty id, where it is not known: so it is where nothing is given, as in files
    of older versions."""
    event_quantity_E: np.ndarray = dataclasses.field(default_factory=lambda: _UNSET)
    """[E] float32 pieces; 1 where nothing is given."""
    event_price_E: np.ndarray = dataclasses.field(default_factory=lambda: _UNSET)
    """[E] float32 paid per piece; 0 where it is not known."""
    view_item_V: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int32))
    """[V] int32 item index of each view and cart, whatever is learned from; sorted by (user, time, item). No model
    reads these arrays yet."""
    view_time_V: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))
    """[V] int64 unix seconds."""
    view_user_V: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int32))
    """[V] int32 user index."""
    view_kind_V: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int8))
    """[V] int8 index into VIEW_KINDS."""
    user_attributes: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    """{attribute: [U] str, empty where it is not known}"""

    def __post_init__(self) -> None:
        for name, (default, kind) in _DEFAULTS.items():
            if getattr(self, name) is _UNSET:
                object.__setattr__(self, name, np.full(len(self.event_item_E), default, kind))

    def __len__(self) -> int:
        return len(self.time_T)

    def basket(self, trip: int) -> np.ndarray:
        """[b] int32: distinct items bought on the trip."""
        return self.basket_item_B[self.basket_begin_T[trip] : self.basket_end_T[trip]]

    def history(self, trip: int) -> np.ndarray:
        """[H] int64 positions of the trip's history in the event arrays, oldest first."""
        return self.histories(np.array([trip]))[0]

    def histories(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(position, row): [H] each, the histories of the given trips one after the other, and which trip's each is."""
        position_H, row_H = slice_positions(self.history_begin_T[which], self.history_end_T[which])
        if len(self.returned_event_R):
            at = np.searchsorted(self.returned_event_R, position_H).clip(max=len(self.returned_event_R) - 1)
            gone_H = (self.returned_event_R[at] == position_H) & (self.returned_time_R[at] < self.time_T[which][row_H])
            position_H, row_H = position_H[~gone_H], row_H[~gone_H]
        return position_H, row_H

    def views(self, trip: int) -> np.ndarray:
        """[n] int64 positions in the view arrays: what the trip's shopper viewed strictly before it, oldest first."""
        begin, end = np.searchsorted(self.view_user_V, [self.user_T[trip], self.user_T[trip] + 1])
        before = np.searchsorted(self.view_time_V[begin:end], self.time_T[trip], side="left")
        return np.arange(begin, begin + before)

    def kept_events(self, moment_s: int) -> np.ndarray:
        """[E] bool: events strictly before the moment that were not returned strictly before it."""
        kept_E = self.event_time_E < moment_s
        kept_E[self.returned_event_R[self.returned_time_R < moment_s]] = False
        return kept_E

    def attributes(self, user: int) -> tuple[tuple[str, str], ...]:
        """(attribute, value) of what is known of the shopper of that index, as in Request."""
        return tuple((name, str(value_U[user])) for name, value_U in self.user_attributes.items() if value_U[user])

    def by_shopper(self, most: int) -> Iterator[slice]:
        """Stretches of the event arrays of at most so many events, one after the other: of whole shoppers, so one with
        more has a stretch of that size."""
        begin, count = 0, len(self.event_user_E)
        while begin < count:
            end = min(begin + most, count)
            if end < count:
                user = self.event_user_E[end]
                first = int(np.searchsorted(self.event_user_E, user))
                end = first if first > begin else int(np.searchsorted(self.event_user_E, user, side="right"))
            yield slice(begin, end)
            begin = end

    def test_trips(self) -> np.ndarray:
        """[n] trip indices at or after the cut, in time order."""
        return np.flatnonzero(self.time_T >= self.cut_s)

    def first_test_trips(self) -> np.ndarray:
        """[n] each shopper's first test trip with a label, for shoppers with any history: those judged, in time
        order."""
        test = self.test_trips()
        test = test[self.basket_end_T[test] > self.basket_begin_T[test]]
        _, first = np.unique(self.user_T[test], return_index=True)
        trips = np.sort(test[first])
        return trips[self.history_end_T[trips] > self.history_begin_T[trips]]

    def save(self, path: Path) -> None:
        """Writes one Parquet file a group of arrays; without returns or views, none for them."""
        with atomic_directory(path) as out:
            for group, names in _GROUPS.items():
                if group in _OPTIONAL and not len(getattr(self, names[0])):
                    continue
                pq.write_table(pa.table({name: getattr(self, name) for name in names}), out / f"{group}.parquet")
            if self.user_attributes:
                pq.write_table(pa.table(dict(self.user_attributes)), out / _ATTRIBUTES)
            write_json(out / "meta.json", {"cut_s": self.cut_s, "task": self.task})

    @classmethod
    def load(cls, path: Path) -> "Trips":
        arrays: dict[str, Any] = {}
        for group, names in _GROUPS.items():
            if group in _OPTIONAL and not (path / f"{group}.parquet").exists():
                continue
            table = pq.read_table(path / f"{group}.parquet")
            arrays |= {name: table[name].to_numpy() for name in names if name in table.column_names}
        if (path / _ATTRIBUTES).exists():
            table = pq.read_table(path / _ATTRIBUTES)
            arrays["user_attributes"] = {name: table[name].to_numpy() for name in table.column_names}
        meta = read_json(path / "meta.json")
        return cls(**arrays, cut_s=meta["cut_s"], task=TaskKind(meta.get("task", TaskKind.NEXT_BASKET)))


def slice_positions(begin_N: np.ndarray, end_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of all slices [begin, end) one after the other, and the row (int32) that each belongs to."""
    length_N = end_N - begin_N
    row = np.repeat(np.arange(len(begin_N), dtype=np.int32), length_N)
    offset_N = begin_N - np.concatenate([[0], np.cumsum(length_N)[:-1]])
    return np.arange(length_N.sum()) + np.repeat(offset_N, length_N), row


_OPTIONAL = ("returns", "views")
_ATTRIBUTES = "user_attributes.parquet"
_AXES = {"events": "E", "trips": "T", "baskets": "B", "returns": "R", "views": "V"}
_NAMES = [field.name for field in dataclasses.fields(Trips)]
_GROUPS = {f"{what}s": [f"{what}_ids"] for what in ("item", "user", "store")} | {
    group: [name for name in _NAMES if name.endswith(f"_{axis}")] for group, axis in _AXES.items()
}
