"""The catalog snapshot: what the model knows about products, shoppers' attributes, popularity and promotions.

Shape legend: I items, A item attributes, U shoppers with attributes, D shopper attributes, S stores, W weekly
snapshots, P promotion stretches, G stretches of GAP_DAYS.

Everything here comes from events before the cut, save the promotions, which are announced before the trip.
"""

import dataclasses
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.data.neighbour_tables import Together
from model.errors import InputError
from model.files import atomic_directory, read_json, write_json
from model.system.disk_arrays import on_disk
from tfx_configs.units import HOUR_S

MISSING = 0
"""Code of a missing attribute value, an unknown store, an unknown shopper."""
RARE = 1
"""Code shared by attribute values below the frequency floor."""
GAP_DAYS = (4, 10, 18, 32, 60)
"""Where the days since a purchase are cut into stretches: up to 4, up to 10, ..., more than 60."""
MOST_KINDS = 8
"""Kinds of promotion in a catalog, at most: the bits of a mask in model/features/promotion_calendar.py."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promotions:
    """Stretches of one kind of promotion, sorted by (store, item, start).

    Example:
        >>> mailer = Promotions(
        ...     kind="mailer",
        ...     store_P=np.array([MISSING], np.int32),
        ...     item_P=np.array([0], np.int32),
        ...     start_hour_P=np.array([24], np.int32),
        ...     end_hour_P=np.array([48], np.int32),
        ... )
        >>> int(mailer.end_hour_P[0] - mailer.start_hour_P[0])
        24
    """

    kind: str
    store_P: np.ndarray
    """[P] int32 store index; MISSING means every store."""
    item_P: np.ndarray
    """[P] int32 item index."""
    start_hour_P: np.ndarray
    """[P] int32 hours since 1970, rounded down."""
    end_hour_P: np.ndarray
    """[P] int32 hours since 1970: the latest end of all stretches of this store and item up to this one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Catalog:
    """One snapshot, taken at the cut.

    Example:
        Two products, of which one was bought; one shopper with an age; no promotions.

        >>> catalog = Catalog(
        ...     item_ids=np.array(["bread", "milk"]),
        ...     attribute_names=("department",),
        ...     attribute_sizes=(3,),
        ...     attribute_IA=np.array([[2], [MISSING]], np.int32),
        ...     vocabulary_I=np.array([0, 1], np.int32),
        ...     vocabulary_size=2,
        ...     price_I=np.array([0.7, 0.1], np.float32),
        ...     repurchase_I=np.array([0.5, 0.0], np.float32),
        ...     hazard_IG=np.full((2, 6), 0.03, np.float32),
        ...     snapshot_W=np.array([604_800]),
        ...     recent_WI=np.array([[4, 0]], np.float32),
        ...     decayed_WI=np.array([[9, 0]], np.float32),
        ...     store_ids=np.array([""]),
        ...     user_ids=np.array(["ann"]),
        ...     user_attribute_names=("age",),
        ...     user_attribute_sizes=(3,),
        ...     user_attribute_UD=np.array([[MISSING], [2]], np.int32),
        ...     promotions=(),
        ... )
        >>> catalog.item_ids[catalog.active_items()].tolist()
        ['bread']
        >>> catalog.user_rows(np.array(["ann", "bob"])).tolist()
        [1, 0]
    """

    DIRECTORY: ClassVar[str] = "catalog"
    """Where the snapshot lies inside an examples artifact."""

    item_ids: np.ndarray
    """[I] str, the same order as Trips.item_ids."""
    attribute_names: tuple[str, ...]
    attribute_sizes: tuple[int, ...]
    """[A] number of codes of each attribute, MISSING and RARE included."""
    attribute_IA: np.ndarray
    """[I, A] int32 codes."""
    vocabulary_I: np.ndarray
    """[I] int32 embedding row of each item: own entry when frequent enough, else a shared hash bucket."""
    vocabulary_size: int
    price_I: np.ndarray
    """[I] float32 median log price; 0 where unknown."""
    repurchase_I: np.ndarray
    """[I] float32 share of the item's buyers who bought it again, smoothed, from before the ranking span."""
    hazard_IG: np.ndarray
    """[I, G] float32 repeat purchases a day, of shoppers whose last purchase of the item was so many days ago, smoothed
    towards items of its type, likewise from before the ranking span."""
    snapshot_W: np.ndarray
    """[W] int64 unix seconds of the weekly snapshots, ascending, the last one at the cut."""
    recent_WI: np.ndarray
    """[W, I] float32 purchases in the 7 days before each snapshot."""
    decayed_WI: np.ndarray
    """[W, I] float32 purchases before each snapshot, halved every 28 days."""
    store_ids: np.ndarray
    """[S] str; index 0 is the empty id: unknown."""
    user_ids: np.ndarray
    """[U] str, sorted: shoppers with attributes; shopper row r of user_attribute_UD is user_ids[r - 1]."""
    user_attribute_names: tuple[str, ...]
    user_attribute_sizes: tuple[int, ...]
    user_attribute_UD: np.ndarray
    """[U + 1, D] int32 codes; row 0 is the unknown shopper. A model directory has that row alone."""
    promotions: tuple[Promotions, ...]
    user_attribute_values: tuple[tuple[str, ...], ...] = ()
    """[D] the values of each shopper attribute that have a code of their own, from RARE + 1."""
    buckets: int = 1
    """Of `vocabulary_I`, the first rows, which are shared by hash of the id."""
    calendar: tuple[np.ndarray, np.ndarray] | None = None
    """What model.features.promotion_calendar.changes makes of the promotions, in a model directory, where these have no
    stretches: read from disk where a request asks."""
    together: Together | None = None
    """Training makes it, as of what it may know (components/train/item_neighbours.py); without it no item has any."""

    @property
    def items(self) -> int:
        return len(self.item_ids)

    def user_rows(self, user_ids: np.ndarray) -> np.ndarray:
        """[n] int32 rows of user_attribute_UD; 0 for shoppers without attributes."""
        if not len(self.user_ids):
            return np.zeros(len(user_ids), np.int32)
        at = np.searchsorted(self.user_ids, user_ids).clip(max=len(self.user_ids) - 1)
        return np.where(self.user_ids[at] == user_ids, at + 1, MISSING).astype(np.int32)

    def user_codes(self, attributes: Iterable[tuple[str, str]]) -> np.ndarray:
        """[D] int32 the codes of one shopper's (attribute, value) pairs.

        Example:
            `catalog` is that of the example above, with the value that has code 2.

            >>> catalog = dataclasses.replace(catalog, user_attribute_values=(("65+",),))
            >>> catalog.user_codes([("age", "65+")]).tolist(), catalog.user_codes([("age", "7")]).tolist()
            ([2], [1])
        """
        code_D = np.full(len(self.user_attribute_names), MISSING, np.int32)
        for name, value in attributes:
            if name in self.user_attribute_names:
                d = self.user_attribute_names.index(name)
                values = self.user_attribute_values[d] if self.user_attribute_values else ()
                code_D[d] = RARE + 1 + values.index(value) if value in values else RARE
        return code_D

    def without_shoppers(self) -> "Catalog":
        """The same without anything of a single shopper, as a model directory holds it."""
        nothing = np.full((1, len(self.user_attribute_names)), MISSING, np.int32)
        return dataclasses.replace(self, user_ids=self.user_ids[:0], user_attribute_UD=nothing)

    def active_items(self) -> np.ndarray:
        """[n] int32 items bought at least once before the cut, in index order."""
        return np.flatnonzero(self.decayed_WI[-1] > 0).astype(np.int32)

    def as_of(self, moment_s: int) -> "Catalog":
        """The catalog whose last snapshot is that at or before the moment, unix seconds; at least the first stays."""
        weeks = max(int(np.searchsorted(self.snapshot_W, moment_s, side="right")), 1)
        return dataclasses.replace(
            self,
            snapshot_W=self.snapshot_W[:weeks],
            recent_WI=self.recent_WI[:weeks],
            decayed_WI=self.decayed_WI[:weeks],
        )

    def as_served(self) -> "Catalog":
        """What a request at or after the cut can see: the last snapshot, promotions that have not ended."""
        cut_hour = self.snapshot_W[-1] // HOUR_S
        return dataclasses.replace(
            self,
            snapshot_W=self.snapshot_W[-1:],
            recent_WI=self.recent_WI[-1:],
            decayed_WI=self.decayed_WI[-1:],
            promotions=tuple(_since(p, cut_hour) for p in self.promotions),
        )

    def save(self, path: Path) -> None:
        with atomic_directory(path) as out:
            for name in _STRINGS:
                pq.write_table(pa.table({name: getattr(self, name)}), out / f"{name}.parquet")
            np.savez(out / "arrays.npz", **{name: getattr(self, name) for name in _ARRAYS})
            for names, arrays in ((_CALENDAR, self.calendar), (_TOGETHER, self.together)):
                for name, array in zip(names, arrays or (), strict=False):
                    np.save(out / name, array)
            for number, promotions in enumerate(self.promotions):
                columns = {name: getattr(promotions, name) for name in _PROMOTION_ARRAYS}
                pq.write_table(pa.table(columns), out / f"promotions_{number}.parquet")
            meta = {name: getattr(self, name) for name in _META} | {"kinds": [p.kind for p in self.promotions]}
            write_json(out / "meta.json", meta)

    @classmethod
    def load(cls, path: Path) -> "Catalog":
        """Raises InputError when `path` holds no catalog."""
        if not (path / "meta.json").is_file():
            raise InputError(f"expected a catalog directory, got {path}; run the examples stage")
        meta: dict[str, Any] = read_json(path / "meta.json")
        promotions = tuple(
            Promotions(kind=kind, **_on_disk(path / f"promotions_{number}.parquet"))
            for number, kind in enumerate(meta.pop("kinds"))
        )
        meta = {name: tuple(value) if isinstance(value, list) else value for name, value in meta.items()}
        meta["user_attribute_values"] = tuple(map(tuple, meta.get("user_attribute_values", ())))
        strings: dict[str, Any] = {name: _columns(path / f"{name}.parquet")[name] for name in _STRINGS}
        with np.load(path / "arrays.npz", allow_pickle=False) as arrays:
            fields = strings | meta | {name: arrays[name] for name in _ARRAYS}
        calendar, together = _mapped(path, _CALENDAR), _mapped(path, _TOGETHER)
        return cls(
            **fields,
            promotions=promotions,
            calendar=(calendar[0], calendar[1]) if calendar else None,
            together=Together(*together) if together else None,
        )


def hashed_rows(item_ids: np.ndarray, buckets: int) -> np.ndarray:
    """[n] int32: for items without an embedding row of their own, the shared one, below `buckets`."""
    return np.fromiter((zlib.crc32(str(item).encode()) % buckets for item in item_ids), np.int32, len(item_ids))


def _since(promotions: Promotions, hour: int) -> Promotions:
    arrays = {name: getattr(promotions, name)[promotions.end_hour_P > hour] for name in _PROMOTION_ARRAYS}
    return dataclasses.replace(promotions, **arrays)


def _mapped(path: Path, names: tuple[str, ...]) -> list[np.ndarray]:
    """Arrays that are read from disk where they are needed; [] where the directory has none."""
    if not (path / names[0]).is_file():
        return []
    return [np.asarray(np.load(path / name, mmap_mode="c", allow_pickle=False)) for name in names]


def _on_disk(path: Path) -> dict[str, np.ndarray]:
    """The columns of a table that can be far larger than all others; int32."""
    table = pq.ParquetFile(path)
    return {
        name: on_disk((batch[name].to_numpy() for batch in table.iter_batches(columns=[name])), np.dtype(np.int32))
        for name in table.schema_arrow.names
    }


def _columns(path: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


_NAMES = [
    field.name for field in dataclasses.fields(Catalog) if field.name not in ("promotions", "calendar", "together")
]
_CALENDAR = ("calendar_keys.npy", "calendar_kinds.npy")
_TOGETHER = ("together_moments.npy", "together_begin.npy", "together_items.npy", "together_similarity.npy")
_STRINGS = [name for name in _NAMES if name.endswith("_ids")]
_ARRAYS = [name for name in _NAMES if re.search("_[A-Z]+$", name)]
_META = [name for name in _NAMES if name not in (*_STRINGS, *_ARRAYS)]
_PROMOTION_ARRAYS = [field.name for field in dataclasses.fields(Promotions) if field.name != "kind"]
