"""Promotion stretches as sorted arrays that the model searches: is this item on promotion in this store now?"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from model.data import columns as c
from model.data.catalog import MISSING, MOST_KINDS, Promotions
from model.data.trips import Trips
from tfx_configs.units import HOUR_S

COLUMNS = [c.ITEM, c.STORE, c.START, c.END]


def read_promotions(path: Path, since_s: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """(kind, its rows that end after `since_s`) of the canonical table, the most frequent kinds, by name.

    One kind at a time, its ids as categories: there can be far more promotions than events.
    """
    current = ds.field(c.END) > pd.Timestamp(since_s, unit="s")
    rows = pq.read_table(path, columns=[c.KIND], filters=current, read_dictionary=[c.KIND])[c.KIND].drop_null()
    counted = sorted((-entry["counts"], entry["values"]) for entry in rows.value_counts().to_pylist())
    for kind in sorted(kind for _, kind in counted[:MOST_KINDS]):
        wanted = current & (ds.field(c.KIND) == kind)
        yield kind, pq.read_table(path, columns=COLUMNS, filters=wanted, read_dictionary=[c.ITEM, c.STORE]).to_pandas()


def build_promotions(kinds: Iterable[tuple[str, pd.DataFrame]], trips: Trips) -> tuple[Promotions, ...]:
    """Each kind's stretches in a store and of an item that the trips know, sorted by (store, item, start)."""
    built = (_one_kind(kind, rows, trips) for kind, rows in kinds)
    return tuple(promotions for promotions in built if len(promotions.item_P))


def index_of(ids: np.ndarray, wanted: pd.Series) -> np.ndarray:
    """[n] int64 position of each wanted id among the ids, -1 where it is not there."""
    codes, distinct = pd.factorize(wanted)
    return np.append(pd.Index(ids).get_indexer(pd.Index(distinct.astype(object))), -1).astype(np.int64)[codes]


def _one_kind(kind: str, rows: pd.DataFrame, trips: Trips) -> Promotions:
    store, item = index_of(trips.store_ids, rows[c.STORE]), index_of(trips.item_ids, rows[c.ITEM])
    start = rows[c.START].to_numpy("datetime64[s]").astype(np.int64) // HOUR_S
    end = -(-rows[c.END].to_numpy("datetime64[s]").astype(np.int64) // HOUR_S)
    order = np.lexsort((start, item, store))
    order = order[((item >= 0) & (store >= 0) & (end > start))[order]]
    store_P, item_P, start_P, end_P = (a[order].astype(np.int32) for a in (store, item, start, end))
    # Overlapping stretches: a search that finds the last start at or before now must see the latest end so far.
    new_group = np.r_[True, (store_P[1:] != store_P[:-1]) | (item_P[1:] != item_P[:-1])]
    group = np.cumsum(new_group)
    latest = np.maximum.accumulate((group << 32) + end_P) - (group << 32)
    return Promotions(
        kind=kind,
        store_P=store_P,
        item_P=item_P,
        start_hour_P=start_P,
        end_hour_P=latest.astype(np.int32),
    )


assert MISSING == 0  # the empty store id sorts first: a promotion without a store is one for every store
