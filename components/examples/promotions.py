"""Promotion stretches as sorted arrays that the model searches: is this item on promotion in this store now?"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds

from model.data import columns as c
from model.data.catalog import MISSING, MOST_KINDS, Promotions
from model.system.disk_arrays import on_disk
from tfx_configs.units import HOUR_S

INT32, CHUNK = np.dtype(np.int32), 1 << 20
COLUMNS = [c.ITEM, c.STORE, c.START, c.END]


def read_promotions(path: Path, since_s: int) -> Iterator[tuple[str, Iterator[pd.DataFrame]]]:
    """(kind, its rows that end after `since_s`, some at a time) of the canonical table, the most frequent kinds, by
    name. The ids of rows are categories.

    There can be far more promotions than events, so they are never all in memory.
    """
    current = ds.field(c.END) > pd.Timestamp(since_s, unit="s")
    ids = [c.ITEM, c.STORE]
    rows = ds.dataset(path, format=ds.ParquetFileFormat(dictionary_columns=[c.KIND, *ids]))
    counts: Counter[str] = Counter()
    for batch in rows.to_batches(columns=[c.KIND], filter=current):
        counted = batch[c.KIND].drop_null().value_counts().to_pylist()
        counts.update({entry["values"]: entry["counts"] for entry in counted})
    most = sorted(counts, key=lambda kind: (-counts[kind], kind))[:MOST_KINDS]
    for kind in sorted(most):
        batches = rows.to_batches(columns=COLUMNS, filter=current & (ds.field(c.KIND) == kind))
        yield kind, (batch.to_pandas() for batch in batches if len(batch))


def build_promotions(
    kinds: Iterable[tuple[str, Iterable[pd.DataFrame]]], item_ids: np.ndarray, store_ids: np.ndarray
) -> tuple[Promotions, ...]:
    """Each kind's stretches in a store and of an item with these ids, sorted by (store, item, start), on disk."""
    stores, items = pd.Index(store_ids), pd.Index(item_ids)
    built = (_one_kind(kind, parts, stores, items) for kind, parts in kinds)
    return tuple(promotions for promotions in built if len(promotions.item_P))


def _one_kind(kind: str, parts: Iterable[pd.DataFrame], stores: pd.Index, items: pd.Index) -> Promotions:
    columns: list[tuple[np.ndarray, ...]] = [(np.zeros(0, np.int64), *np.zeros((2, 0), np.int32))]
    for rows in parts:
        store, item = _index(stores, rows[c.STORE]), _index(items, rows[c.ITEM])
        start = rows[c.START].to_numpy("datetime64[s]").astype(np.int64) // HOUR_S
        end = -(-rows[c.END].to_numpy("datetime64[s]").astype(np.int64) // HOUR_S)
        some = (item >= 0) & (store >= 0) & (end > start)
        place = (store * len(items) + item)[some]
        columns.append((place, start[some].astype(np.int32), end[some].astype(np.int32)))
    places, starts, ends = zip(*columns, strict=True)
    del columns
    place_P = np.concatenate(places)
    del places
    start_P, end_P = np.concatenate(starts), np.concatenate(ends)
    del starts, ends
    order = np.lexsort((start_P, place_P))
    start_P = start_P[order]  # one after the other, for the memory
    end_P = end_P[order]
    place_P = place_P[order]
    del order
    # Overlapping stretches: a search that finds the last start at or before now must see the latest end so far.
    latest_P = np.cumsum(np.diff(place_P, prepend=place_P[:1]) > 0, dtype=np.int64)
    latest_P <<= 32
    latest_P += end_P
    del end_P
    np.maximum.accumulate(latest_P, out=latest_P)
    chunks = [slice(first, first + CHUNK) for first in range(0, len(place_P), CHUNK)]
    return Promotions(
        kind=kind,
        end_hour_P=on_disk((latest_P[chunk] for chunk in chunks), INT32),  # the lower half
        start_hour_P=on_disk([start_P], INT32),
        store_P=on_disk((place_P[chunk] // len(items) for chunk in chunks), INT32),
        item_P=on_disk((place_P[chunk] % len(items) for chunk in chunks), INT32),
    )


def _index(ids: pd.Index, wanted: pd.Series) -> np.ndarray:
    """[n] int64 position of each wanted id among the ids, -1 where it is not there."""
    codes, distinct = pd.factorize(wanted)
    return np.append(ids.get_indexer(pd.Index(distinct.astype(object))), -1).astype(np.int64)[codes]


assert MISSING == 0  # the empty store id sorts first: a promotion without a store is one for every store
