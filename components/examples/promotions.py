"""Promotion stretches as sorted arrays that the model searches: is this item on promotion in this store now?"""

import numpy as np
import pandas as pd

from model import columns as c
from model.catalog import MISSING, Promotions
from model.trips import Trips

MOST_KINDS = 8
HOUR_S = 3600


def build_promotions(promotions: pd.DataFrame | None, trips: Trips) -> tuple[Promotions, ...]:
    """The most frequent kinds (at most eight), each sorted by (store, item, start).

    Args:
        promotions: canonical table or None; there may be very many, so its ids had better be categorical.
    """
    if promotions is None:
        return ()
    store, item = _index(trips.store_ids, promotions[c.STORE]), _index(trips.item_ids, promotions[c.ITEM])
    start = promotions[c.START].to_numpy("datetime64[s]").astype(np.int64) // HOUR_S
    end = -(-promotions[c.END].to_numpy("datetime64[s]").astype(np.int64) // HOUR_S)
    kept = (item >= 0) & (store >= 0) & (end > start)
    kind = promotions[c.KIND]
    rows = kind[kept].value_counts()
    return tuple(
        _one_kind(str(name), *(a[kept & (kind == name).to_numpy()] for a in (store, item, start, end)))
        for name in sorted(rows[rows > 0].index[:MOST_KINDS])
    )


def _index(ids: np.ndarray, wanted: pd.Series) -> np.ndarray:
    """[n] position of each wanted id among the ids, -1 where it is not there."""
    codes, distinct = pd.factorize(wanted)
    return pd.Index(ids).get_indexer(pd.Index(distinct.astype(object)))[codes]


def _one_kind(kind: str, store: np.ndarray, item: np.ndarray, start: np.ndarray, end: np.ndarray) -> Promotions:
    order = np.lexsort((start, item, store))
    store, item, start, end = store[order], item[order], start[order], end[order]
    # Overlapping stretches: a search that finds the last start at or before now must see the latest end so far.
    new_group = np.r_[True, (store[1:] != store[:-1]) | (item[1:] != item[:-1])]
    group = np.cumsum(new_group)
    latest = np.maximum.accumulate(group * (1 << 32) + end) - group * (1 << 32)
    return Promotions(
        kind=kind,
        store_P=store.astype(np.int32),
        item_P=item.astype(np.int32),
        start_hour_P=start.astype(np.int32),
        end_hour_P=latest.astype(np.int32),
    )


assert MISSING == 0  # the empty store id sorts first: a promotion without a store is one for every store
